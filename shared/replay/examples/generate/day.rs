//! What happens to a model in a day.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::event::{Dice, Line, Samples, again, event, invocations};

const HUB: &str = "111122223333";
const STAGING: &str = "444455556666";
const PRODUCTION: &str = "777788889999";

/// A model over the year.
pub(crate) struct Life {
    pub(crate) model: String,
    dice: Dice,
    samples: Samples,
    version: u64,
    /// Events so far.
    told: u64,
    commit: String,
    /// Some models are asked in bursts, so that their production endpoint sleeps in between.
    has_traffic: bool,
}

impl Life {
    pub(crate) fn new(number: u32) -> Self {
        let mut dice = Dice::new(u64::from(number) + 1);
        let commit = dice.commit();
        Self {
            model: format!("model-{number:03}"),
            dice,
            samples: Samples::new(),
            version: 0,
            told: 0,
            commit,
            has_traffic: number.is_multiple_of(10),
        }
    }

    /// One day, until the model has had `due` events in all.
    pub(crate) fn day(&mut self, midnight: Timestamp, due: u64, lines: &mut Vec<Line>) {
        let morning = 7 * 3_600;
        while self.told < due {
            let begin = lines.len();
            let at = later(midnight, morning + self.dice.below(40_000));
            // On a day with 27 events: a quarter of a release, three pushes to branches, two alarms, four monitoring jobs.
            match self.dice.below(100) {
                0..2 => self.release(at, lines),
                2..29 => self.branch(at, lines),
                29..31 => self.drift(at, lines),
                31..50 => self.errors(at, lines),
                50..90 => self.monitoring(at, lines),
                _ => self.tick(at, lines),
            }
            // SageMaker and EventBridge may tell anything twice, seconds or minutes later.
            for index in begin..lines.len() {
                if self.dice.percent(5)
                    && let Some(line) = lines.get(index)
                {
                    let at = later(line.at, 1 + self.dice.below(600));
                    let told = again(line, at, &mut self.dice);
                    lines.push(told);
                }
            }
            self.told += (lines.len() - begin) as u64;
        }
        if self.has_traffic {
            self.traffic(midnight, lines);
        }
    }

    /// A commit is trained; most versions are approved, and go to both environments.
    fn release(&mut self, at: Timestamp, lines: &mut Vec<Line>) {
        self.version += 1;
        self.push("main", at, lines);
        let started = later(at, 30);
        let arn = self.execution(started, lines);
        let registered = later(started, 1_500);
        self.package(&arn, "PendingManualApproval", "ModelApprovalStatus", registered, lines);
        if self.dice.percent(10) {
            self.package(&arn, "Rejected", "ModelApprovalStatus", later(registered, 600), lines);
            return;
        }
        let approved = later(registered, 1_200);
        self.package(&arn, "Approved", "ModelApprovalStatus", approved, lines);
        self.package(&arn, "Approved", "ModelLifeCycle", later(approved, 2), lines);
        self.package(&arn, "Approved", "CustomerMetadataProperties", later(approved, 60), lines);
        self.rollout(&format!("{}-staging", self.model), STAGING, later(approved, 5), lines);
        self.package(&arn, "Approved", "ModelLifeCycle", later(approved, 240), lines);
        self.rollout(&self.model.clone(), PRODUCTION, later(approved, 2_100), lines);
        self.package(&arn, "Approved", "ModelLifeCycle", later(approved, 2_400), lines);
    }

    fn branch(&mut self, at: Timestamp, lines: &mut Vec<Line>) {
        self.push("feature/try", at, lines);
    }

    fn push(&mut self, branch: &str, at: Timestamp, lines: &mut Vec<Line>) {
        let (commit, old) = (self.dice.commit(), self.commit.clone());
        if branch == "main" {
            self.commit.clone_from(&commit);
        }
        let changes = [
            ("/resources/0", json!(format!("arn:aws:codecommit:us-east-1:{HUB}:{}-model", self.model))),
            ("/detail/repositoryName", json!(format!("{}-model", self.model))),
            ("/detail/referenceName", json!(branch)),
            ("/detail/referenceFullName", json!(format!("refs/heads/{branch}"))),
            ("/detail/commitId", json!(commit)),
            ("/detail/oldCommitId", json!(old)),
        ];
        lines.push(event(&self.samples.push, HUB, at, &mut self.dice, &changes));
    }

    /// The execution, its steps and their jobs: what most of a hub's events are.
    fn execution(&mut self, at: Timestamp, lines: &mut Vec<Line>) -> String {
        let pipeline = format!("arn:aws:sagemaker:us-east-1:{HUB}:pipeline/{}-train", self.model);
        let arn = format!("{pipeline}/execution/{:012x}", self.dice.below(1 << 48));
        for (status, seconds) in [("Executing", 0), ("Succeeded", 1_440)] {
            let changes = [
                ("/resources/0", json!(pipeline)),
                ("/resources/1", json!(arn)),
                ("/detail/pipelineExecutionArn", json!(arn)),
                ("/detail/pipelineArn", json!(pipeline)),
                ("/detail/currentPipelineExecutionStatus", json!(status)),
            ];
            let at = later(at, seconds);
            lines.push(event(&self.samples.execution, HUB, at, &mut self.dice, &changes));
        }
        for step in 0..6 {
            let changes = [
                ("/resources/0", json!(pipeline)),
                ("/detail/pipelineExecutionArn", json!(arn)),
                ("/detail/pipelineArn", json!(pipeline)),
            ];
            let at = later(at, 60 + step * 200);
            lines.push(event(&self.samples.step, HUB, at, &mut self.dice, &changes));
            if step % 2 == 0 {
                lines.push(event(&self.samples.job, HUB, later(at, 5), &mut self.dice, &[]));
            }
        }
        arn
    }

    fn package(
        &mut self,
        execution: &str,
        approval: &str,
        field: &str,
        at: Timestamp,
        lines: &mut Vec<Line>,
    ) {
        let (model, version) = (&self.model, self.version);
        let arn = format!("arn:aws:sagemaker:us-east-1:{HUB}:model-package/{model}/{version}");
        let changes = [
            ("/resources/0", json!(arn)),
            ("/detail/ModelPackageName", json!(format!("{model}/{version}"))),
            ("/detail/ModelPackageGroupName", json!(model)),
            ("/detail/ModelPackageVersion", json!(version)),
            ("/detail/ModelPackageArn", json!(arn)),
            ("/detail/ModelApprovalStatus", json!(approval)),
            ("/detail/MetadataProperties/GeneratedBy", json!(execution)),
            ("/detail/UpdatedModelPackageFields/0", json!(field)),
            ("/detail/LastModifiedTime", millis(at)),
        ];
        lines.push(event(&self.samples.package, HUB, at, &mut self.dice, &changes));
    }

    /// What SageMaker tells of one deployment.
    fn rollout(&mut self, endpoint: &str, account: &str, at: Timestamp, lines: &mut Vec<Line>) {
        let config = |version: u64| {
            format!("{endpoint}-v{version}-{:08x}", version.wrapping_mul(2_654_435_761) as u32)
        };
        let arn = format!("arn:aws:sagemaker:us-east-1:{account}:endpoint/{endpoint}");
        let (old, new) = (config(self.version.saturating_sub(1)), config(self.version));
        let common = |status: &str, config: &str, at: Timestamp| {
            vec![
                ("/resources/0", json!(arn)),
                ("/detail/EndpointName", json!(endpoint)),
                ("/detail/EndpointArn", json!(arn)),
                ("/detail/EndpointConfigName", json!(config)),
                ("/detail/EndpointStatus", json!(status)),
                ("/detail/LastModifiedTime", millis(at)),
            ]
        };
        let begin = common("UPDATING", &old, at);
        lines.push(event(&self.samples.endpoint, account, at, &mut self.dice, &begin));
        for part in 1..4 {
            let at = later(at, part * 40);
            let mut changes = common("UPDATING", &old, at);
            changes.push(("/detail/PendingDeploymentSummary/EndpointConfigName", json!(new)));
            lines.push(event(&self.samples.deployment, account, at, &mut self.dice, &changes));
        }
        let end = later(at, 200);
        let changes = common("IN_SERVICE", &new, end);
        lines.push(event(&self.samples.endpoint, account, end, &mut self.dice, &changes));
    }

    /// An alarm on one of Model Monitor's metrics, and its end some hours later.
    fn drift(&mut self, at: Timestamp, lines: &mut Vec<Line>) {
        let endpoint = format!("{}-staging", self.model);
        let name = format!("{endpoint}-feature-drift");
        for (value, at) in [("ALARM", at), ("OK", later(at, 3 * 3_600))] {
            let before = if value == "OK" { "ALARM" } else { "OK" };
            let changes = [
                ("/resources/0", json!(format!("arn:aws:cloudwatch:us-east-1:{STAGING}:alarm:{name}"))),
                ("/detail/alarmName", json!(name)),
                ("/detail/configuration/metrics/0/metricStat/metric/dimensions/Endpoint", json!(endpoint)),
                ("/detail/previousState/value", json!(before)),
                ("/detail/state/value", json!(value)),
                ("/detail/state/timestamp", json!(at)),
            ];
            lines.push(event(&self.samples.drift, STAGING, at, &mut self.dice, &changes));
        }
    }

    /// An alarm that measures no drift: somebody else's business, and on record as that.
    fn errors(&mut self, at: Timestamp, lines: &mut Vec<Line>) {
        let name = format!("{}-5xx", self.model);
        let changes = [
            ("/detail/alarmName", json!(name)),
            ("/detail/configuration/metrics/0/metricStat/metric/dimensions/EndpointName", json!(self.model)),
            ("/detail/state/timestamp", json!(at)),
        ];
        lines.push(event(&self.samples.errors, PRODUCTION, at, &mut self.dice, &changes));
    }

    /// A monitoring job and what it writes; one in ten found violations.
    fn monitoring(&mut self, at: Timestamp, lines: &mut Vec<Line>) {
        for seconds in [0, 400] {
            lines.push(event(&self.samples.monitoring, STAGING, later(at, seconds), &mut self.dice, &[]));
        }
        self.report(later(at, 405), lines);
    }

    fn report(&mut self, at: Timestamp, lines: &mut Vec<Line>) {
        let endpoint = format!("{}-staging", self.model);
        let file = if self.dice.percent(10) { "constraint_violations.json" } else { "statistics.json" };
        let key = format!("reports/{endpoint}/{endpoint}-dq/2026/01/01/{:02}/{file}", self.dice.below(24));
        let changes = [
            ("/detail/object/key", json!(key)),
            ("/detail/object/sequencer", json!(format!("{:016X}", at.as_millisecond()))),
        ];
        lines.push(event(&self.samples.object, STAGING, at, &mut self.dice, &changes));
    }

    fn tick(&mut self, at: Timestamp, lines: &mut Vec<Line>) {
        lines.push(event(&self.samples.tick, PRODUCTION, at, &mut self.dice, &[]));
    }

    /// A line an hour during the day, and none on the weekend.
    fn traffic(&mut self, midnight: Timestamp, lines: &mut Vec<Line>) {
        let weekend = midnight.as_second().div_euclid(86_400) % 7 >= 5;
        for hour in (8..18).filter(|_| !weekend) {
            let count = 1 + self.dice.below(500);
            lines.push(invocations(&self.model, PRODUCTION, later(midnight, hour * 3_600), count));
        }
    }
}

fn later(at: Timestamp, seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or_default();
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(at)
}

fn millis(at: Timestamp) -> Value {
    json!(at.as_millisecond())
}
