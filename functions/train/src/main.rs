//! The main function of the Lambda. It only connects the AWS clients.

use std::sync::Arc;
use tidegate_aws::Aws;
use tidegate_lambda::{Environment, Parts, serve, start_logging};
use tidegate_train::{NAME, Train};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_logging();
    let environment = Environment::read()?;
    let aws = Aws::from_env().await;
    let train = Train {
        repository: Arc::new(aws.repository()),
        pipelines: Arc::new(
            aws.pipelines(&Environment::text("TIDEGATE_PIPELINE_ROLE_ARN")?)
                .with_passable_roles(Environment::list("TIDEGATE_PASSABLE_ROLE_ARNS"))
                .with_pipeline_roles(
                    Environment::list("TIDEGATE_PASSABLE_PIPELINE_ROLE_ARNS").unwrap_or_default(),
                ),
        ),
    };
    let parts = Parts::new(NAME, env!("CARGO_PKG_VERSION"), environment, &aws);
    serve(parts, train).await
}
