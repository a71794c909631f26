//! Settings of a policy that serve all the same when they are lost.

use serde::{Deserialize, Serialize};

use crate::fleet::Kind;
use crate::rng::SeededRng;
use crate::site::SiteId;

/// Settings that serve all the same when they are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// Whether the model is in a VPC.
    pub(crate) vpc: bool,
    /// Whether the model has a role of its team.
    pub(crate) role: bool,
    /// Whether requests are captured.
    pub(crate) capture: bool,
}

impl Settings {
    /// A serverless endpoint has neither a VPC nor a capture.
    pub(crate) fn draw(kind: Kind, rng: &mut SeededRng) -> Self {
        let has_instances = kind != Kind::Serverless;
        Self {
            vpc: rng.chance(30) && has_instances,
            role: rng.chance(30),
            capture: rng.chance(30) && has_instances,
        }
    }

    /// The fields in `endpoint`.
    pub(crate) fn of_endpoint(self, site: SiteId) -> String {
        let vpc = if self.vpc { ", vpc: { subnets: [subnet-a], securityGroups: [sg-a] }" } else { "" };
        let role =
            if self.role { format!(", executionRole: \"{}\"", Self::role_arn(site)) } else { String::new() };
        format!("{vpc}{role}")
    }

    /// The role of the team in an account.
    pub(crate) fn role_arn(site: SiteId) -> String {
        format!("arn:aws:iam::{}:role/team", site.account())
    }
}
