//! The main function of the Lambda. It only connects the AWS clients.

use std::sync::Arc;
use tidegate_aws::Aws;
use tidegate_deploy::{Deploy, NAME};
use tidegate_lambda::{Environment, Parts, serve, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_logging();
    let environment = Environment::read()?;
    let aws = Aws::from_env().await;
    let deploy = Deploy {
        registry: Arc::new(aws.registry()),
        endpoints: Arc::new(aws.endpoints(
            &Environment::text("TIDEGATE_MODEL_ROLE_ARN")?,
            Environment::list("TIDEGATE_PASSABLE_MODEL_ROLE_ARNS").unwrap_or_default(),
        )),
        sampler: Arc::new(aws.sampler()),
        alarms: Arc::new(aws.alarms()),
    };
    let parts = Parts::new(NAME, env!("CARGO_PKG_VERSION"), environment, &aws)
        .with_schedules(&aws)?
        .with_checks(Environment::seconds("TIDEGATE_CHECK_SECONDS")?);
    serve(parts, deploy).await
}
