//! The main function of the Lambda. It only connects the AWS clients.

use std::sync::Arc;
use tidegate_aws::Aws;
use tidegate_lambda::{Environment, Parts, serve_commands, start_logging};
use tidegate_operate::{NAME, Operate};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_logging();
    let environment = Environment::read()?;
    let operators = Environment::list("TIDEGATE_OPERATOR_ROLES").unwrap_or_default();
    let aws = Aws::from_env().await;
    let operate = Operate { registry: Arc::new(aws.registry()) };
    let parts = Parts::new(NAME, env!("CARGO_PKG_VERSION"), environment, &aws).with_operators(operators);
    serve_commands(parts, operate).await
}
