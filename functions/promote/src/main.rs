//! The main function of the Lambda. It only connects the AWS clients.

use std::sync::Arc;
use tidegate_aws::Aws;
use tidegate_lambda::{Environment, Parts, serve, start_logging};
use tidegate_promote::{NAME, Promote};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_logging();
    let environment = Environment::read()?;
    let aws = Aws::from_env().await;
    let promote = Promote { registry: Arc::new(aws.registry()), gate_sources: Arc::new(aws.gate_sources()) };
    let parts = Parts::new(NAME, env!("CARGO_PKG_VERSION"), environment, &aws).with_schedules(&aws)?;
    serve(parts, promote).await
}
