//! What people, data and AWS do of themselves.

use serde_json::{Value, json};
use tidegate_world::{Fault, PackageState};

use crate::drive::Drive;
use crate::fleet::{Kind, Model};
use crate::place::{REGION, Where};
use crate::step::{Approval, Change, Failure, Hand, What};
use crate::words;

/// A pipeline that registers a version of the group; `number` makes it another definition.
pub(crate) fn definition(group: &str, number: usize) -> String {
    let cluster = json!({"InstanceType": "ml.t3.medium", "InstanceCount": 1, "VolumeSizeInGB": 30});
    let container = json!({"Image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/tiny:1",
        "ModelDataUrl": "s3://acme-ml/model.tar.gz"});
    json!({"Version": "2020-12-01", "Metadata": {"number": number}, "Parameters": [], "Steps": [
        {"Name": "Prepare", "Type": "Processing", "Arguments": {
            "ProcessingResources": {"ClusterConfig": cluster},
            "AppSpecification": {"ImageUri": "111122223333.dkr.ecr.us-east-1.amazonaws.com/tiny:1"},
            "RoleArn": "arn:aws:iam::111122223333:role/pipeline"}},
        {"Name": "Register", "Type": "RegisterModel", "DependsOn": ["Prepare"], "Arguments": {
            "ModelPackageGroupName": group, "ModelApprovalStatus": "PendingManualApproval",
            "InferenceSpecification": {"Containers": [container]}}}]})
    .to_string()
}

impl Drive {
    /// Does what a step says. Says in words what came of it.
    pub(crate) fn act(&mut self, what: &What) -> Option<String> {
        match what {
            What::Push { model, branch, change } => self.push(&self.model(model)?, branch, *change),
            What::Amend { model, how } => {
                self.stage.amend(model, how)?;
                Some(format!("the policy of {model} changes: {}", words::amendment(how)))
            }
            What::Register { model } => self.register(&self.model(model)?),
            What::Say { model, back, approval } => self.says(&self.model(model)?, *back, *approval),
            What::Edit { model, back } => self.edit(&self.model(model)?, *back),
            What::Hold { model, place } => {
                let (named, at) = (self.model(model)?.name, self.stage.now());
                let mut detail =
                    json!({"schema": 1, "model": named, "by": "alice", "reason": "let me look", "at": at});
                Some(self.hold("Hold Placed", &mut detail, *place))
            }
            What::Release { model, place } => {
                let (named, at) = (self.model(model)?.name, self.stage.now());
                let mut detail = json!({"schema": 1, "model": named, "by": "alice", "at": at});
                Some(self.hold("Hold Released", &mut detail, *place))
            }
            What::Agree { model, place, back, by } => self.agree(&self.model(model)?, *place, *back, by),
            What::ByHand { model, place, how } => {
                let words = self.change_by_hand(&self.model(model)?, *place, *how)?;
                self.by_hand.insert((*place, model.clone()));
                Some(words)
            }
            What::Traffic { model, place, requests } => self.traffic(&self.model(model)?, *place, *requests),
            What::Alarm { model, place, state } => self.alarm(&self.model(model)?, *place, *state),
            What::Report { model, place, found } => self.report(&self.model(model)?, *place, *found),
            What::Observed { model, place, saw } => self.observed(&self.model(model)?, *place, *saw),
            What::Metrics { place, silent } => {
                self.stage.account(*place).silence_metrics(*silent);
                if *silent {
                    self.stage.silent.insert(*place)
                } else {
                    self.stage.silent.remove(place)
                };
                Some(
                    if *silent { "CloudWatch goes silent" } else { "CloudWatch tells metrics again" }
                        .to_owned(),
                )
            }
            What::Container { model, place } => self.container(&self.model(model)?, *place),
            What::Endpoint { model, place, fails } => {
                self.break_endpoint(&self.model(model)?, *place, *fails)
            }
            What::Job { model } => self.break_job(&self.model(model)?),
            What::Repaired => {
                self.stage.cloud.with_world(|world, _| world.inject_fault(Fault::Clear));
                Some("whatever was broken in AWS is repaired".to_owned())
            }
            faults => self.fault(faults),
        }
    }

    fn model(&self, name: &str) -> Option<Model> {
        self.stage.fleet.model(name).cloned()
    }

    fn push(&mut self, model: &Model, branch: &str, change: Change) -> Option<String> {
        let (yard, repository) = (self.stage.yard.clone(), &model.repository);
        let before = yard.at_head(repository, branch);
        self.pushes += 1;
        let moved = match change {
            Change::Code => {
                let same = before.unwrap_or_else(|| Some(definition(&model.group, self.pushes)));
                yard.push(repository, branch, same)
            }
            Change::Pipeline => yard.push(repository, branch, Some(definition(&model.group, self.pushes))),
            Change::Nonsense => yard.push(repository, branch, Some("{".to_owned())),
            Change::Gone => yard.push(repository, branch, None),
            Change::Branch => yard.delete(repository, branch)?,
            Change::SetBack => yard.set_back(repository, branch)?,
        };
        let full = format!("refs/heads/{branch}");
        let commit: String = moved.new.as_deref().unwrap_or("nothing").chars().take(12).collect();
        if let Some(commit) = &moved.new {
            self.stage.heads.insert((repository.clone(), full.clone()), self.stage.now());
            *self.stage.pushes.entry((repository.clone(), full.clone(), commit.clone())).or_default() += 1;
        }
        match repository.strip_prefix("codecommit:") {
            Some(name) => {
                let place = self.stage.account(Where::Hub).place().clone();
                let (old, new) = (moved.old.as_deref(), moved.new.as_deref());
                self.stage.cloud.with_world(|world, now| world.emit_push(&place, name, &full, old, new, now));
            }
            None => {
                let kind = match (&moved.old, &moved.new) {
                    (None, _) => "created",
                    (_, None) => "deleted",
                    _ => "updated",
                };
                let mut detail = json!({"schema": 1, "repository": repository, "ref_kind": "branch",
                    "branch": branch, "full_ref": full, "change": kind, "actor": "alice"});
                for (field, value) in [("commit", &moved.new), ("old_commit", &moved.old)] {
                    if let (Some(value), Some(detail)) = (value, detail.as_object_mut()) {
                        detail.insert(field.to_owned(), json!(value));
                    }
                }
                self.publish(Where::Hub, "Commit Pushed", &detail);
            }
        }
        Some(match change {
            Change::SetBack => format!("somebody sets {branch} of {repository} back to {commit}"),
            _ => format!("somebody pushes {commit} to {branch} of {repository}"),
        })
    }

    fn register(&mut self, model: &Model) -> Option<String> {
        let container = json!({"Image": "i", "ModelDataUrl": "s3://b/m"});
        let request = json!({"ModelPackageGroupName": model.group, "ModelApprovalStatus": "PendingManualApproval",
            "InferenceSpecification": {"Containers": [container]}});
        let made = self.stage.account(Where::Hub).ask("sagemaker", "CreateModelPackage", &request).ok()?;
        Some(format!("a version is registered: {}", made.get("ModelPackageArn")?.as_str()?))
    }

    /// The version so many before the newest one.
    fn version(&self, model: &Model, back: u8) -> Option<PackageState> {
        let seen = self.stage.cloud.with_world(|world, _| world.snapshot());
        let mut versions = seen.packages_of(Where::Hub.account(), &model.group);
        versions.reverse();
        versions.get(usize::from(back)).map(|package| (*package).clone())
    }

    fn says(&mut self, model: &Model, back: u8, approval: Approval) -> Option<String> {
        let package = self.version(model, back)?;
        let word = match approval {
            Approval::Approved => "Approved",
            Approval::Rejected => "Rejected",
            Approval::Pending => "PendingManualApproval",
        };
        let request = json!({"ModelPackageArn": package.arn, "ModelApprovalStatus": word});
        self.stage.account(Where::Hub).ask("sagemaker", "UpdateModelPackage", &request).ok()?;
        let words = format!("a person says {word} of version {} of {}", package.version, package.group);
        Some(if package.approval == word { format!("{words}, as before") } else { words })
    }

    fn edit(&mut self, model: &Model, back: u8) -> Option<String> {
        let package = self.version(model, back)?;
        self.edits += 1;
        let request = json!({"ModelPackageArn": package.arn,
            "CustomerMetadataProperties": {"note": self.edits.to_string()}});
        self.stage.account(Where::Hub).ask("sagemaker", "UpdateModelPackage", &request).ok()?;
        Some(format!("a person edits the metadata of version {} of {}", package.version, package.group))
    }

    fn hold(&mut self, detail_type: &str, detail: &mut Value, place: Option<Where>) -> String {
        if let (Some(place), Some(detail)) = (place, detail.as_object_mut()) {
            detail.insert("environment".to_owned(), json!(place.name()));
        }
        self.publish(Where::Hub, detail_type, detail);
        let model = detail.get("model").and_then(Value::as_str).unwrap_or_default();
        let of = place.map_or("everywhere", Where::name);
        format!("a person says {detail_type} of {model}: {of}")
    }

    fn agree(&mut self, model: &Model, place: Where, back: u8, by: &str) -> Option<String> {
        let version = self.version(model, back)?.version;
        let detail = json!({"schema": 1, "model": model.name, "environment": place.name(), "version": version,
            "by": by, "at": self.stage.now()});
        self.publish(Where::Hub, "Approval Given", &detail);
        Some(format!("{by} agrees that version {version} of {} may enter {place}", model.name))
    }

    fn change_by_hand(&mut self, model: &Model, place: Where, how: Hand) -> Option<String> {
        let kind = model.at(place)?.kind;
        let name = model.endpoint(place);
        let account = self.stage.account(place);
        let seen = self.stage.cloud.with_world(|world, _| world.snapshot());
        let endpoint = seen.endpoint(place.account(), &name)?.clone();
        let ask = |operation: &str, request: Value| account.ask("sagemaker", operation, &request).ok();
        match how {
            Hand::Delete => {
                if kind == Kind::Component {
                    ask("DeleteInferenceComponent", json!({"InferenceComponentName": name}))?;
                    return Some(format!("a person deletes component {name} in {place}"));
                }
                ask("DeleteEndpoint", json!({"EndpointName": name}))?;
                Some(format!("a person deletes endpoint {name} in {place}"))
            }
            Hand::Update if kind == Kind::Component => {
                let model = seen.component(place.account(), &name)?.model.clone()?;
                let specification = json!({"ModelName": model,
                    "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 2048}});
                ask(
                    "UpdateInferenceComponent",
                    json!({"InferenceComponentName": name, "Specification": specification}),
                )?;
                Some(format!("a person gives component {name} in {place} more memory"))
            }
            Hand::Update => {
                self.edits += 1;
                let config = format!("by-hand-{}", self.edits);
                let variant = match kind {
                    Kind::Serverless => {
                        json!({"VariantName": "AllTraffic", "ModelName": endpoint.models.first()?,
                        "ServerlessConfig": {"MemorySizeInMB": 4096, "MaxConcurrency": 1}})
                    }
                    _ => json!({"VariantName": "AllTraffic", "ModelName": endpoint.models.first()?,
                        "InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1}),
                };
                ask(
                    "CreateEndpointConfig",
                    json!({"EndpointConfigName": config, "ProductionVariants": [variant]}),
                )?;
                ask("UpdateEndpoint", json!({"EndpointName": name, "EndpointConfigName": config}))?;
                Some(format!("a person gives endpoint {name} in {place} the configuration {config}"))
            }
        }
    }

    fn container(&mut self, model: &Model, place: Where) -> Option<String> {
        let target = model.endpoint(place);
        let words = format!("the containers of {target} in {place} answer with errors");
        let account = Some(place.account().to_owned());
        let message = "out of memory".to_owned();
        self.inject(Fault::ContainerError { account, target, status: 500, message });
        Some(words)
    }

    fn break_endpoint(&mut self, model: &Model, place: Where, fails: Failure) -> Option<String> {
        let endpoint = model.endpoint(place);
        let account = Some(place.account().to_owned());
        let reason = "capacity".to_owned();
        let (fault, words) = match fails {
            Failure::Creation => {
                (Fault::FailEndpointCreation { account, endpoint, reason }, "creation of the endpoint")
            }
            Failure::SilentRollback => (
                Fault::RollBackUpdate { account, endpoint, reason: None },
                "update, which will roll back and not say so,",
            ),
            Failure::Rollback => (
                Fault::RollBackUpdate { account, endpoint, reason: Some(reason) },
                "update, which will roll back,",
            ),
            Failure::Component => (
                Fault::FailComponentUpdate { account, component: endpoint, reason, failed: false },
                "update of the component, which will roll back,",
            ),
        };
        self.inject(fault);
        Some(format!("the next {words} of {} in {place} will fail", model.name))
    }

    fn break_job(&mut self, model: &Model) -> Option<String> {
        let pipeline = Some(model.pipeline());
        let reason = "CapacityError: no instance".to_owned();
        self.inject(Fault::FailProcessing { account: None, pipeline, step: None, reason });
        Some(format!("the next job of {} will fail", model.pipeline()))
    }

    fn inject(&mut self, fault: Fault) {
        self.stage.cloud.with_world(|world, _| world.inject_fault(fault));
    }

    /// Puts an event of our own on a bus, as somebody there would.
    pub(crate) fn publish(&mut self, from: Where, detail_type: &str, detail: &Value) {
        if let Some((event, json)) = self.stage.own_event(from, detail_type, detail) {
            self.route(from, &event, &json, 1);
        }
    }

    /// An event of AWS's in an account, other than the world's own.
    pub(crate) fn aws_tells(
        &mut self,
        place: Where,
        source: &str,
        detail_type: &str,
        resource: &str,
        detail: &Value,
    ) {
        let id = format!("aws-{}", self.stage.office.number());
        let json = json!({"version": "0", "id": id, "source": source, "detail-type": detail_type,
            "account": place.account(), "region": REGION, "time": self.stage.now(), "resources": [resource],
            "detail": detail});
        if let Ok(event) = tidegate_events::parse_value(json.clone()) {
            self.route(place, &event, &json, 1);
        }
    }
}
