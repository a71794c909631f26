//! A model and a configuration have the settings of the policy.

use super::facts::text;
use super::{Facts, Observed, Rule};
use crate::fleet::Kind;
use crate::settings::Settings;
use crate::system::System;

/// What deploy creates has the network, the role and the capture of the environment's policy, and no other.
pub(super) struct SettingsKept;

impl Rule for SettingsKept {
    fn name(&self) -> &'static str {
        "a model and a configuration have the settings of the policy"
    }

    fn observe(&mut self, observed: &Observed<'_>, _: &Facts, system: &System) -> Result<(), String> {
        let Observed::WorldCall { site, function: "deploy", entry, .. } = observed else { return Ok(()) };
        let (name, of_model) = match entry.operation.as_str() {
            "CreateModel" => (text(&entry.request, "/ModelName"), true),
            "CreateEndpointConfig" => (text(&entry.request, "/EndpointConfigName"), false),
            _ => return Ok(()),
        };
        let of_endpoint =
            |endpoint: &str| name.strip_prefix(endpoint).is_some_and(|rest| rest.starts_with('-'));
        let model = system.fleet.models.iter().find(|model| of_endpoint(&model.endpoint(*site)));
        let Some(environment) = model.and_then(|model| model.at(*site)) else { return Ok(()) };
        let Settings { vpc, role, capture } = environment.settings;
        let runs_containers = of_model || environment.kind == Kind::Component;
        let has = |pointer: &str| entry.request.pointer(pointer).is_some();
        for (setting, wanted, found) in [
            ("network", vpc && runs_containers, text(&entry.request, "/VpcConfig/Subnets/0") == "subnet-a"),
            (
                "role",
                role && runs_containers,
                text(&entry.request, "/ExecutionRoleArn") == Settings::role_arn(*site),
            ),
            ("capture", capture && !of_model, has("/DataCaptureConfig/DestinationS3Uri")),
        ] {
            if wanted != found {
                return Err(format!(
                    "{name} in {site}: the policy sets its {setting}: {wanted}, the request: {}",
                    entry.request
                ));
            }
        }
        Ok(())
    }
}
