//! The models of a history, and the policies that their teams wrote.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use tidegate_policy::file::{Policy, parse};

use crate::place::{REGION, Where};
use crate::random::Dice;

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
    pub(crate) place: Where,
    /// What serves there.
    pub(crate) kind: Kind,
    /// Minutes of soak in the environment before.
    #[serde(default)]
    pub(crate) soak: Option<u32>,
    /// People who must agree.
    #[serde(default)]
    pub(crate) approvals: u32,
    /// Whether the policy has no sample request.
    #[serde(default)]
    pub(crate) unasked: bool,
    /// Minutes of silence, and minutes of grace, until it goes to zero.
    #[serde(default)]
    pub(crate) to_zero: Option<(u32, u32)>,
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
    Soak { place: Where, minutes: Option<u32> },
    /// One more environment, in its place in the order.
    Add { environment: Environment },
}

/// What is done about drift.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Drift {
    /// Whether it retrains; otherwise people are told.
    pub(crate) retrain: bool,
    /// Minutes between retrainings.
    pub(crate) cooldown: u32,
    /// So many retrainings in so many minutes.
    #[serde(default)]
    pub(crate) budget: Option<(u32, u32)>,
    /// Retrainings until a person is asked.
    #[serde(default)]
    pub(crate) escalate_after: Option<u32>,
}

const NAMES: [&str; 4] = ["heron", "otter", "teal", "plover"];

impl Fleet {
    /// A fleet by chance.
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let count = dice.one(1, &[1, 1, 2, 2, 3, 4]);
        let mut models: Vec<Model> = Vec::new();
        for name in NAMES.iter().take(count) {
            let mut model = Model::draw(name, dice);
            // Teams share repositories, and sometimes groups.
            if let Some(first) = models.first().filter(|_| dice.chance(25)) {
                model.repository.clone_from(&first.repository);
                model.keeps_pipeline |= !first.repository.starts_with("codecommit:");
                if dice.chance(50) {
                    model.group.clone_from(&first.group);
                }
            }
            models.push(model);
        }
        let mut clocks = [0; 4];
        if dice.chance(30) {
            for clock in &mut clocks {
                *clock = dice.one(0, &[-90, -20, -2, -1, 1, 2, 20, 90]);
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
    pub(crate) fn places(&self) -> Vec<Where> {
        let named = |place: &Where| self.models.iter().any(|model| model.at(*place).is_some());
        std::iter::once(Where::Hub).chain(Where::ENVIRONMENTS.into_iter().filter(named)).collect()
    }

    /// The model with this name.
    pub(crate) fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name == name)
    }
}

impl Model {
    fn draw(name: &str, dice: &mut Dice) -> Self {
        let keeps_pipeline = dice.chance(20);
        let host = if keeps_pipeline && dice.chance(60) { "github:acme/" } else { "codecommit:" };
        let places: &[Where] = dice.weighted(&PLACES).copied().unwrap_or(&[Where::Staging]);
        let environments =
            places.iter().enumerate().map(|(at, place)| Environment::draw(*place, at, dice)).collect();
        Self {
            name: name.to_owned(),
            repository: format!("{host}{name}-model"),
            group: name.to_owned(),
            keeps_pipeline,
            environments,
            drift: dice.chance(75).then(|| Drift::draw(dice)),
        }
    }

    /// The endpoint's name in an environment; a component has its endpoint's.
    pub(crate) fn endpoint(&self, place: Where) -> String {
        match place {
            Where::Staging => format!("{}-staging", self.name),
            Where::Hub | Where::Preproduction | Where::Production => self.name.clone(),
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

    /// Its environment at a place.
    pub(crate) fn at(&self, place: Where) -> Option<&Environment> {
        self.environments.iter().find(|environment| environment.place == place)
    }

    /// The same model after its team has changed its policy; `None` if there is nothing to change.
    pub(crate) fn amended(&self, how: &Amendment) -> Option<Self> {
        let mut model = self.clone();
        match how {
            Amendment::Soak { place, minutes } => {
                let environment = model.environments.iter_mut().skip(1).find(|e| e.place == *place)?;
                environment.soak = *minutes;
            }
            Amendment::Add { environment } if model.at(environment.place).is_none() => {
                model.environments.push(environment.clone());
                model.environments.sort_by_key(|environment| environment.place);
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
            text.push_str(&environment.policy(&self.endpoint(environment.place)));
        }
        if let Some(drift) = &self.drift {
            text.push_str(&drift.policy(&self.alarm()));
        }
        text
    }
}

const PLACES: [(u64, &[Where]); 4] = [
    (6, &[Where::Staging, Where::Production]),
    (3, &Where::ENVIRONMENTS),
    (1, &[Where::Staging]),
    (1, &[Where::Production]),
];

impl Environment {
    /// An environment by chance, so many places after the first.
    pub(crate) fn draw(place: Where, position: usize, dice: &mut Dice) -> Self {
        let kind =
            dice.one(Kind::Serverless, &[Kind::RealTime, Kind::Canary, Kind::Component, Kind::Component]);
        let sleeps = kind == Kind::Component && dice.chance(75);
        Self {
            place,
            kind,
            soak: (position > 0 && dice.chance(60)).then(|| dice.one(30, &[10, 60, 240])),
            approvals: if position > 0 && dice.chance(15) { dice.one(1, &[2]) } else { 0 },
            unasked: dice.chance(15),
            to_zero: sleeps.then(|| (dice.one(60, &[30, 120]), dice.one(60, &[30, 240]))),
        }
    }

    fn policy(&self, endpoint: &str) -> String {
        let Self { place, .. } = self;
        let mut text =
            format!("  - name: {place}\n    account: \"{}\"\n    region: {REGION}\n", place.account());
        let mut gates = Vec::new();
        gates.extend(self.soak.map(|minutes| format!("soak: {minutes}m")));
        gates.extend((self.approvals > 0).then(|| format!("approvals: {{ required: {} }}", self.approvals)));
        if !gates.is_empty() {
            let _ = writeln!(text, "    gates: {{ {} }}", gates.join(", "));
        }
        let shape = match self.kind {
            Kind::Serverless => "kind: serverless, memoryMb: 2048, maxConcurrency: 5",
            Kind::RealTime | Kind::Canary => "kind: realTime, instanceType: ml.m5.large, instances: 2",
            Kind::Component => {
                "kind: inferenceComponent, instanceType: ml.m5.large, instances: 2, memoryMb: 1024"
            }
        };
        let _ = writeln!(text, "    endpoint: {{ name: {endpoint}, {shape} }}");
        if self.kind == Kind::Canary {
            text.push_str("    rollout: { canary: { percent: 50, bake: 10m }, withoutAlarms: true }\n");
        }
        if !self.unasked {
            text.push_str("    verify: { invoke: { contentType: text/csv, body: \"42,1,0.5\" } }\n");
        }
        if let Some((idle, grace)) = self.to_zero {
            let _ = writeln!(text, "    scale: {{ toZero: {{ idle: {idle}m, grace: {grace}m }} }}");
        }
        text
    }
}

impl Drift {
    fn draw(dice: &mut Dice) -> Self {
        let drift = Self {
            retrain: dice.chance(80),
            cooldown: dice.one(60, &[10, 240]),
            budget: dice.chance(60).then(|| (dice.one(2, &[1, 3]), dice.one(1_440, &[480]))),
            escalate_after: dice.chance(60).then(|| dice.one(2, &[1, 3])),
        };
        // A drift that lasts for weeks, with nothing but ten minutes between two retrainings, is two thousand times the
        // same and takes minutes to play.
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
            let fleet = Fleet::draw(&mut Dice::new(seed));
            let policies = fleet.policies();
            assert!(policies.is_ok(), "seed {seed}: {}", policies.err().unwrap_or_default());
        }
    }
}
