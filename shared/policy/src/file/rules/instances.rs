//! Rules about the instance type of an endpoint.

use super::super::problem::Finding;
use super::super::words::listed;
use super::Environment;
use crate::endpoint::Instances;
use crate::instance_types::{self, AcceleratorClass, Api, Hardware};

const VARIANT: &str = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html";
const BURSTABLE: &str =
    "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances.html";
const NEURON: &str = "https://docs.aws.amazon.com/sagemaker/latest/dg/neo-supported-cloud.html";

/// A type that SageMaker does not accept for endpoints.
pub(super) fn broken(at: &str, environment: &Environment) -> Option<Finding> {
    let (instances, hardware) = known(environment)?;
    if hardware.is_accepted_by(Api::Hosting) {
        return None;
    }
    let near = listed(instance_types::nearest(instances.instance_type, Api::Hosting).into_iter(), "and");
    let message = format!(
        "SageMaker does not host endpoints on {}; the types with the nearest names that it accepts are {near} ({VARIANT})",
        instances.instance_type
    );
    Some(Finding::new(format!("{at}/endpoint/instanceType"), message))
}

/// A type that may not be what is meant.
pub(crate) fn warnings(at: &str, environment: &Environment) -> Vec<Finding> {
    let Some(instances) = environment.endpoint.spec.instances() else { return Vec::new() };
    let name = instances.instance_type;
    let warning = |message: String| Finding::new(format!("{at}/endpoint/instanceType"), message);
    let Some(hardware) = instance_types::find(name) else {
        let near = listed(instance_types::nearest(name, Api::Hosting).into_iter(), "and");
        return vec![warning(format!(
            "{name} is not in the list of types of {}; if it is not a newer type, SageMaker will reject it; \
             the nearest names in the list are {near}",
            instance_types::date()
        ))];
    };
    let mut found = Vec::new();
    if hardware.burstable {
        found.push(warning(format!(
            "{name} is burstable: under steady traffic its CPU is slowed down when its credits are used up ({BURSTABLE})"
        )));
    }
    if hardware.arm64 {
        found.push(warning(format!("{name} has arm64 processors; an image for x86-64 does not start on it")));
    }
    if hardware.accelerators.is_some_and(|found| found.class == AcceleratorClass::Neuron) {
        found.push(warning(format!(
            "{name} has AWS Neuron accelerators; only a model that is compiled for them uses them ({NEURON})"
        )));
    }
    found
}

/// The instances of an endpoint, and their hardware if the type is known.
pub(super) fn known(environment: &Environment) -> Option<(Instances<'_>, Hardware)> {
    let instances = environment.endpoint.spec.instances()?;
    Some((instances, instance_types::find(instances.instance_type)?))
}
