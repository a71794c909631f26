//! The Lambda binary: wiring only.

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
        hub_account: Environment::text("TIDEGATE_HUB_ACCOUNT")?,
        check_seconds: Environment::seconds("TIDEGATE_CHECK_SECONDS")?,
        registry: Arc::new(aws.registry()),
        endpoints: Arc::new(aws.endpoints(&Environment::text("TIDEGATE_MODEL_ROLE_ARN")?)),
        sampler: Arc::new(aws.sampler()),
        schedules: Arc::new(aws.schedules(
            &Environment::text("TIDEGATE_SCHEDULE_GROUP")?,
            &Environment::text("TIDEGATE_SCHEDULE_ROLE_ARN")?,
            &Environment::text("TIDEGATE_FUNCTION_ARN")?,
        )),
    };
    let parts = Parts::new(NAME, env!("CARGO_PKG_VERSION"), environment, &aws);
    serve(parts, deploy).await
}
