//! Rules about the sample requests.

use super::super::problem::Finding;
use super::Environment;

const INVOKE: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html";

pub(super) fn broken(at: &str, environment: &Environment) -> Vec<Finding> {
    let verify = &environment.verify;
    let invoke = verify.invoke.iter().map(|sample| (format!("{at}/verify/invoke"), sample));
    let samples = verify.samples.iter().enumerate();
    let samples = samples.map(|(index, sample)| (format!("{at}/verify/samples/{index}"), sample));
    let mut found = Vec::new();
    for (at, sample) in invoke.chain(samples) {
        let Some(expect) = &sample.expect else { continue };
        if let Some(status) = expect.status.filter(|status| !matches!(status, 200 | 400..=499)) {
            let message = format!(
                "found {status}, expected 200, or 400 to 499 for a request that the model must refuse: with another status \
                 SageMaker reports an error of the container ({INVOKE})"
            );
            found.push(Finding::new(format!("{at}/expect/status"), message));
        }
        let schema = expect.schema.as_deref().map(serde_json::from_str::<serde_json::Value>);
        match schema {
            Some(Err(error)) => {
                let message = format!("expected a JSON Schema as JSON text: {error}");
                found.push(Finding::new(format!("{at}/expect/schema"), message));
            }
            Some(Ok(schema)) if !schema.is_object() => {
                let message = "expected a JSON Schema, which is an object".to_owned();
                found.push(Finding::new(format!("{at}/expect/schema"), message));
            }
            Some(Ok(_)) | None => {}
        }
    }
    found
}
