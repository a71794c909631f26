//! The main function of the Lambda. It only connects the AWS clients.

use std::sync::Arc;
use tidegate_aws::Aws;
use tidegate_lambda::{Environment, Parts, serve, start_logging};
use tidegate_respond::{NAME, Respond};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_logging();
    let environment = Environment::read()?;
    let aws = Aws::from_env().await;
    let respond = Respond { reports: Arc::new(aws.reports()), alarms: Arc::new(aws.alarms()) };
    let parts = Parts::new(NAME, env!("CARGO_PKG_VERSION"), environment, &aws).with_schedules(&aws)?;
    serve(parts, respond).await
}
