//! The models of a history, and the policies that their teams wrote.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use tidegate_policy::file::{Policy, parse};

use crate::rng::SeededRng;
use crate::settings::Settings;
use crate::site::{REGION, SiteId};

/// The fleet of one history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fleet {
    /// The models.
    pub(crate) models: Vec<Model>,
    /// By how many seconds the clocks of hub, staging, preproduction and production are ahead of AWS's.
    #[serde(default)]
    pub(crate) clocks: [i64; 4],
}

/// What a team wants for a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    /// Its name.
    pub(crate) name: String,
    /// Its repository, as policies write it.
    pub(crate) repository: String,
    /// Its model package group.
    pub(crate) group: String,
    /// Whether the pipeline is the team's own business, not a file of the repository.
    #[serde(default)]
    pub(crate) keeps_pipeline: bool,
    /// Where it is served, in the order of promotion.
    pub(crate) environments: Vec<Environment>,
    /// What is done about drift.
    #[serde(default)]
    pub(crate) drift: Option<Drift>,
}

/// An environment of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Environment {
    /// Where.
    pub(crate) site: SiteId,
    /// What serves there.
    pub(crate) kind: Kind,
    /// Minutes of soak in the environment before.
    #[serde(default)]
    pub(crate) soak: Option<u32>,
    /// People who must agree.
    #[serde(default)]
    pub(crate) approvals: u32,
    /// The hours of Monday to Thursday, in Amsterdam, in which a deployment may begin.
    #[serde(default)]
    pub(crate) window: Option<(u32, u32)>,
    /// Whether the policy has no sample request.
    #[serde(default)]
    pub(crate) without_sample: bool,
    /// Whether it goes back after a failed verification and after a rejection, twice a day at most.
    #[serde(default)]
    pub(crate) rolls_back: bool,
    /// Minutes of silence, and minutes of grace, until it goes to zero.
    #[serde(default)]
    pub(crate) scale_to_zero: Option<(u32, u32)>,
    /// What the policy sets on the model and its configuration.
    #[serde(default)]
    pub(crate) settings: Settings,
}

/// What serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// No instances.
    Serverless,
    /// Instances.
    RealTime,
    /// Instances, and a canary at each update.
    Canary,
    /// A component.
    Component,
}

/// How a team changes its policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Amendment {
    /// Minutes of soak before an environment; none where absent.
    Soak { site: SiteId, minutes: Option<u32> },
    /// One more environment, in the order of promotion.
    Add { environment: Environment },
}

/// What is done about drift.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Drift {
    /// Whether it retrains; otherwise it sends an alert.
    pub(crate) retrain: bool,
    /// Minutes between retrainings.
    pub(crate) cooldown: u32,
    /// So many retrainings in so many minutes.
    #[serde(default)]
    pub(crate) budget: Option<(u32, u32)>,
    /// Retrainings until a person is asked.
    #[serde(default)]
    pub(crate) escalate_after: Option<u32>,
    /// Whether a missing column is drift; otherwise people look at it.
    #[serde(default)]
    pub(crate) missing_column_is_drift: bool,
}

const NAMES: [&str; 4] = ["heron", "otter", "teal", "plover"];

impl Fleet {
    /// A fleet by chance.
    pub(crate) fn draw(rng: &mut SeededRng) -> Self {
        let count = rng.one(1, &[1, 1, 2, 2, 3, 4]);
        let mut models: Vec<Model> = Vec::new();
        for name in NAMES.iter().take(count) {
            let mut model = Model::draw(name, rng);
            // Teams share repositories, and sometimes groups.
            if let Some(first) = models.first().filter(|_| rng.chance(25)) {
                model.repository.clone_from(&first.repository);
                model.keeps_pipeline |= !first.repository.starts_with("codecommit:");
                if rng.chance(50) {
                    model.group.clone_from(&first.group);
                }
            }
            models.push(model);
        }
        let mut clocks = [0; 4];
        if rng.chance(30) {
            for clock in &mut clocks {
                *clock = rng.one(0, &[-90, -20, -2, -1, 1, 2, 20, 90]);
            }
        }
        Self { models, clocks }
    }

    /// The policies, in the order of the models.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub(crate) fn policies(&self) -> Result<Vec<Policy>, String> {
        let read = |model: &Model| parse(&model.name, &model.policy()).map_err(|error| error.to_string());
        self.models.iter().map(read).collect()
    }

    /// Where anything runs, in order: the hub, and the environments that a policy names.
    pub(crate) fn sites(&self) -> Vec<SiteId> {
        let named = |site: &SiteId| self.models.iter().any(|model| model.at(*site).is_some());
        std::iter::once(SiteId::Hub).chain(SiteId::ENVIRONMENTS.into_iter().filter(named)).collect()
    }

    /// The model with this name.
    pub(crate) fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name == name)
    }
}

impl Model {
    fn draw(name: &str, rng: &mut SeededRng) -> Self {
        let keeps_pipeline = rng.chance(20);
        let host = if keeps_pipeline && rng.chance(60) { "github:acme/" } else { "codecommit:" };
        let sites: &[SiteId] = rng.weighted(&SITES).copied().unwrap_or(&[SiteId::Staging]);
        let environments =
            sites.iter().enumerate().map(|(at, site)| Environment::draw(*site, at, rng)).collect();
        Self {
            name: name.to_owned(),
            repository: format!("{host}{name}-model"),
            group: name.to_owned(),
            keeps_pipeline,
            environments,
            drift: rng.chance(75).then(|| Drift::draw(rng)),
        }
    }

    /// The endpoint's name in an environment; a component has its endpoint's.
    pub(crate) fn endpoint(&self, site: SiteId) -> String {
        match site {
            SiteId::Staging => format!("{}-staging", self.name),
            SiteId::Hub | SiteId::Preproduction | SiteId::Production => self.name.clone(),
        }
    }

    /// Its pipeline's name.
    pub(crate) fn pipeline(&self) -> String {
        format!("{}-train", self.name)
    }

    /// The alarm that the policy names in an environment.
    pub(crate) fn alarm(&self) -> String {
        format!("{}-drift", self.name)
    }

    /// Its environment at a site.
    pub(crate) fn at(&self, site: SiteId) -> Option<&Environment> {
        self.environments.iter().find(|environment| environment.site == site)
    }

    /// The same model after its team has changed its policy; `None` if there is nothing to change.
    pub(crate) fn amended(&self, change: &Amendment) -> Option<Self> {
        let mut model = self.clone();
        match change {
            Amendment::Soak { site, minutes } => {
                let environment = model.environments.iter_mut().skip(1).find(|e| e.site == *site)?;
                environment.soak = *minutes;
            }
            Amendment::Add { environment } if model.at(environment.site).is_none() => {
                model.environments.push(environment.clone());
                model.environments.sort_by_key(|environment| environment.site);
            }
            Amendment::Add { .. } => return None,
        }
        (model != *self).then_some(model)
    }

    /// The policy as the team wrote it.
    pub(crate) fn policy(&self) -> String {
        let Self { name, repository, group, .. } = self;
        let definition = if self.keeps_pipeline { "{ keep: true }" } else { "{ file: pipeline.json }" };
        let mut text = format!(
            "apiVersion: tidegate/v1\nmodel: {name}\nsource: {{ repository: \"{repository}\", branches: [main, \
             \"release/*\"] }}\npipeline: {{ name: {}, definition: {definition} }}\nregistry: {{ group: {group} \
             }}\nenvironments:\n",
            self.pipeline()
        );
        for environment in &self.environments {
            text.push_str(&environment.policy(&self.endpoint(environment.site)));
        }
        if let Some(drift) = &self.drift {
            text.push_str(&drift.policy(&self.alarm()));
        }
        text
    }
}

const SITES: [(u64, &[SiteId]); 4] = [
    (6, &[SiteId::Staging, SiteId::Production]),
    (3, &SiteId::ENVIRONMENTS),
    (1, &[SiteId::Staging]),
    (1, &[SiteId::Production]),
];

impl Environment {
    /// An environment by chance, so many sites after the first.
    pub(crate) fn draw(site: SiteId, position: usize, rng: &mut SeededRng) -> Self {
        let kind =
            rng.one(Kind::Serverless, &[Kind::RealTime, Kind::Canary, Kind::Component, Kind::Component]);
        let sleeps = kind == Kind::Component && rng.chance(75);
        Self {
            site,
            kind,
            soak: (position > 0 && rng.chance(60)).then(|| rng.one(30, &[10, 60, 240])),
            approvals: if position > 0 && rng.chance(15) { rng.one(1, &[2]) } else { 0 },
            without_sample: rng.chance(15),
            rolls_back: rng.chance(40),
            scale_to_zero: sleeps.then(|| (rng.one(60, &[30, 120]), rng.one(60, &[30, 240]))),
            window: rng.chance(10).then(|| rng.one((9, 16), &[(0, 24), (22, 24)])),
            settings: Settings::draw(kind, rng),
        }
    }

    fn policy(&self, endpoint: &str) -> String {
        let Self { site, .. } = self;
        let mut text =
            format!("  - name: {site}\n    account: \"{}\"\n    region: {REGION}\n", site.account());
        let mut gates = Vec::new();
        gates.extend(self.soak.map(|minutes| format!("soak: {minutes}m")));
        gates.extend((self.approvals > 0).then(|| format!("approvals: {{ required: {} }}", self.approvals)));
        gates.extend(self.window.map(|(from, to)| {
            format!(
                "windows: [{{ days: [mon, tue, wed, thu], from: \"{from:02}:00\", to: \"{to:02}:00\", timeZone: \
                 Europe/Amsterdam }}]"
            )
        }));
        if !gates.is_empty() {
            let _ = writeln!(text, "    gates: {{ {} }}", gates.join(", "));
        }
        let shape = match self.kind {
            Kind::Serverless => "kind: serverless, memoryMb: 2048, maxConcurrency: 5",
            Kind::RealTime | Kind::Canary => "kind: realTime, instanceType: ml.m5.large, instances: 2",
            // Components after a soak run on a GPU.
            Kind::Component if self.soak.is_some() => {
                "kind: inferenceComponent, instanceType: ml.g5.xlarge, instances: 2, memoryMb: 1024, accelerators: 1"
            }
            Kind::Component => {
                "kind: inferenceComponent, instanceType: ml.m5.large, instances: 2, memoryMb: 1024"
            }
        };
        let settings = self.settings.of_endpoint(*site);
        let _ = writeln!(text, "    endpoint: {{ name: {endpoint}, {shape}{settings} }}");
        if self.settings.capture {
            text.push_str("    capture: { percent: 20, to: \"s3://acme-ml/capture/\" }\n");
        }
        if let Some(rollout) = self.rollout() {
            let _ = writeln!(text, "    rollout: {{ {rollout}, withoutAlarms: true }}");
        }
        if !self.without_sample {
            text.push_str("    verify: { invoke: { contentType: text/csv, body: \"42,1,0.5\" } }\n");
        }
        if self.rolls_back {
            text.push_str(
                "    rollback: { onFailure: rollBack, onRejection: rollBack, allEnvironments: true, limit: { \
                 rollbacks: 2, per: 1d } }\n",
            );
        }
        if let Some((idle, grace)) = self.scale_to_zero {
            let _ = writeln!(text, "    scale: {{ toZero: {{ idle: {idle}m, grace: {grace}m }} }}");
        }
        text
    }
}

impl Environment {
    /// The rollout depends on the kind and the soak, so that it draws nothing from the random numbers.
    fn rollout(&self) -> Option<&'static str> {
        match (self.kind, self.soak) {
            (Kind::Canary, None) => Some("canary: { percent: 50, bake: 10m }"),
            (Kind::Canary, Some(_)) => Some("linear: { percent: 50, bake: 10m }"),
            (Kind::RealTime, Some(_)) => Some("rolling: { percent: 50, bake: 10m }"),
            (Kind::Component, Some(_)) => Some("rolling: { copies: 1, bake: 5m }"),
            (Kind::RealTime | Kind::Component, None) | (Kind::Serverless, _) => None,
        }
    }
}

impl Drift {
    fn draw(rng: &mut SeededRng) -> Self {
        let drift = Self {
            retrain: rng.chance(80),
            cooldown: rng.one(60, &[10, 240]),
            budget: rng.chance(60).then(|| (rng.one(2, &[1, 3]), rng.one(1_440, &[480]))),
            escalate_after: rng.chance(60).then(|| rng.one(2, &[1, 3])),
            missing_column_is_drift: rng.chance(15),
        };
        // A drift that lasts for weeks, with nothing but ten minutes between two retrainings, is two thousand times the
        // same and takes minutes to run.
        let endless = drift.cooldown == 10 && drift.budget.is_none() && drift.escalate_after.is_none();
        Self { budget: if endless { Some((3, 480)) } else { drift.budget }, ..drift }
    }

    fn policy(&self, alarm: &str) -> String {
        let response = if self.retrain { "retrain" } else { "alert" };
        let mut text = format!("drift:\n  response: {response}\n  cooldown: {}m\n", self.cooldown);
        if let Some((retrainings, per)) = self.budget {
            let _ = writeln!(text, "  budget: {{ retrainings: {retrainings}, per: {per}m }}");
        }
        if let Some(limit) = self.escalate_after {
            let _ = writeln!(text, "  escalateAfter: {limit}");
        }
        if self.missing_column_is_drift {
            text.push_str("  checks: { missing_column_check: drift }\n");
        }
        let _ = writeln!(text, "  alarms: [{alarm}]");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_that_is_drawn_is_accepted() {
        for seed in 0..300 {
            let fleet = Fleet::draw(&mut SeededRng::new(seed));
            let policies = fleet.policies();
            assert!(policies.is_ok(), "seed {seed}: {}", policies.err().unwrap_or_default());
        }
    }
}
