//! The actions of people and AWS.

use serde_json::{Value, json};
use tidegate_world::{Fault, PackageState};

use crate::describe;
use crate::fleet::{Kind, Model};
use crate::history::{Action, Approval, Change, EndpointFailure, ManualChange};
use crate::runner::Runner;
use crate::site::{REGION, SiteId};

/// The image of all packages.
const IMAGE: &str = "111122223333.dkr.ecr.us-east-1.amazonaws.com/tiny:1";

/// A pipeline that registers a version of the group; `number` makes it another definition.
pub(crate) fn definition(group: &str, number: usize) -> String {
    let cluster = json!({"InstanceType": "ml.t3.medium", "InstanceCount": 1, "VolumeSizeInGB": 30});
    let container = json!({"Image": IMAGE,
        "ModelDataUrl": "s3://acme-ml/model.tar.gz"});
    json!({"Version": "2020-12-01", "Metadata": {"number": number}, "Parameters": [], "Steps": [
        {"Name": "Prepare", "Type": "Processing", "Arguments": {
            "ProcessingResources": {"ClusterConfig": cluster},
            "AppSpecification": {"ImageUri": IMAGE},
            "RoleArn": "arn:aws:iam::111122223333:role/pipeline"}},
        {"Name": "Register", "Type": "RegisterModel", "DependsOn": ["Prepare"], "Arguments": {
            "ModelPackageGroupName": group, "ModelApprovalStatus": "PendingManualApproval",
            "InferenceSpecification": {"Containers": [container]}}}]})
    .to_string()
}

impl Runner {
    /// Carries out an action and describes what happened.
    pub(crate) fn act(&mut self, what: &Action) -> Option<String> {
        match what {
            Action::Push { model, branch, change } => self.push(&self.model(model)?, branch, *change),
            Action::Amend { model, change } => {
                self.system.amend(model, change)?;
                Some(format!("the policy of {model} changes: {}", describe::amendment(change)))
            }
            Action::Register { model } => self.register(&self.model(model)?),
            Action::Review { model, back, approval } => self.review(&self.model(model)?, *back, *approval),
            Action::Edit { model, back } => self.edit(&self.model(model)?, *back),
            Action::Hold { model, site } => {
                let (named, at) = (self.model(model)?.name, self.system.now());
                let mut detail =
                    json!({"schema": 1, "model": named, "by": "alice", "reason": "let me look", "at": at});
                Some(self.hold("Hold Placed", &mut detail, *site))
            }
            Action::Release { model, site } => {
                let (named, at) = (self.model(model)?.name, self.system.now());
                let mut detail = json!({"schema": 1, "model": named, "by": "alice", "at": at});
                Some(self.hold("Hold Released", &mut detail, *site))
            }
            Action::GoBack { model, site } => {
                let (named, at) = (self.model(model)?.name, self.system.now());
                let mut detail =
                    json!({"schema": 1, "model": named, "by": "alice", "reason": "it is slow", "at": at});
                Some(self.hold("Rollback Requested", &mut detail, Some(*site)))
            }
            Action::Force { model, site, back } => {
                let (named, at) = (self.model(model)?, self.system.now());
                let version = self.version(&named, *back)?.version;
                let mut detail = json!({"schema": 1, "model": named.name, "version": version, "by": "alice",
                    "reason": "an outage", "at": at});
                Some(self.hold("Promotion Forced", &mut detail, Some(*site)))
            }
            Action::ApproveEnvironment { model, site, back, by } => {
                self.approve_environment(&self.model(model)?, *site, *back, by)
            }
            Action::ManualChange { model, site, change } => {
                let words = self.change_by_hand(&self.model(model)?, *site, *change)?;
                self.by_hand.insert((*site, model.clone()));
                Some(words)
            }
            Action::Traffic { model, site, requests } => self.traffic(&self.model(model)?, *site, *requests),
            Action::Alarm { model, site, state } => self.alarm(&self.model(model)?, *site, *state),
            Action::Report { model, site, content } => self.report(&self.model(model)?, *site, *content),
            Action::DriftObserved { model, site, verdict } => {
                self.observed(&self.model(model)?, *site, *verdict)
            }
            Action::Metrics { site, silent } => {
                self.system.account(*site).silence_metrics(*silent);
                if *silent {
                    self.system.silent.insert(*site)
                } else {
                    self.system.silent.remove(site)
                };
                Some(
                    if *silent {
                        "CloudWatch returns no metrics"
                    } else {
                        "CloudWatch returns metrics again"
                    }
                    .to_owned(),
                )
            }
            Action::Container { model, site } => self.container(&self.model(model)?, *site),
            Action::Endpoint { model, site, failure } => {
                self.break_endpoint(&self.model(model)?, *site, *failure)
            }
            Action::Temporary { model, site, what } => {
                self.begin_temporary(&self.model(model)?, *site, *what)
            }
            Action::Job { model } => self.break_job(&self.model(model)?),
            Action::ClearFaults => {
                self.system.cloud.with_world(|world, _| world.inject_fault(Fault::Clear));
                Some("all faults in AWS are cleared".to_owned())
            }
            faults => self.fault(faults),
        }
    }

    fn model(&self, name: &str) -> Option<Model> {
        self.system.fleet.model(name).cloned()
    }

    fn push(&mut self, model: &Model, branch: &str, change: Change) -> Option<String> {
        let (repositories, repository) = (self.system.repositories.clone(), &model.repository);
        let before = repositories.at_head(repository, branch);
        self.pushes += 1;
        let moved = match change {
            Change::Code => {
                let same = before.unwrap_or_else(|| Some(definition(&model.group, self.pushes)));
                repositories.push(repository, branch, same)
            }
            Change::Pipeline => {
                repositories.push(repository, branch, Some(definition(&model.group, self.pushes)))
            }
            Change::Nonsense => repositories.push(repository, branch, Some("{".to_owned())),
            Change::Gone => repositories.push(repository, branch, None),
            Change::Branch => repositories.delete(repository, branch)?,
            Change::SetBack => repositories.set_back(repository, branch)?,
        };
        let full = format!("refs/heads/{branch}");
        let commit: String = moved.new.as_deref().unwrap_or("nothing").chars().take(12).collect();
        if let Some(commit) = &moved.new {
            self.system.heads.insert((repository.clone(), full.clone()), self.system.now());
            *self.system.pushes.entry((repository.clone(), full.clone(), commit.clone())).or_default() += 1;
        }
        match repository.strip_prefix("codecommit:") {
            Some(name) => {
                let site = self.system.account(SiteId::Hub).place().clone();
                let (old, new) = (moved.old.as_deref(), moved.new.as_deref());
                self.system.cloud.with_world(|world, now| world.emit_push(&site, name, &full, old, new, now));
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
                self.publish(SiteId::Hub, "Commit Pushed", &detail);
            }
        }
        Some(match change {
            Change::SetBack => format!("a push resets {branch} of {repository} to {commit}"),
            _ => format!("a push of {commit} to {branch} of {repository}"),
        })
    }

    fn register(&mut self, model: &Model) -> Option<String> {
        let container = json!({"Image": IMAGE, "ModelDataUrl": "s3://b/m"});
        let request = json!({"ModelPackageGroupName": model.group, "ModelApprovalStatus": "PendingManualApproval",
            "InferenceSpecification": {"Containers": [container]}});
        let made = self.system.account(SiteId::Hub).ask("sagemaker", "CreateModelPackage", &request).ok()?;
        Some(format!("a version is registered: {}", made.get("ModelPackageArn")?.as_str()?))
    }

    /// The version `back` versions before the newest one.
    fn version(&self, model: &Model, back: u8) -> Option<PackageState> {
        let seen = self.system.cloud.with_world(|world, _| world.snapshot());
        let mut versions = seen.packages_of(SiteId::Hub.account(), &model.group);
        versions.reverse();
        versions.get(usize::from(back)).map(|package| (*package).clone())
    }

    fn review(&mut self, model: &Model, back: u8, approval: Approval) -> Option<String> {
        let package = self.version(model, back)?;
        let word = match approval {
            Approval::Approved => "Approved",
            Approval::Rejected => "Rejected",
            Approval::Pending => "PendingManualApproval",
        };
        let request = json!({"ModelPackageArn": package.arn, "ModelApprovalStatus": word});
        self.system.account(SiteId::Hub).ask("sagemaker", "UpdateModelPackage", &request).ok()?;
        let words = format!("a person sets version {} of {} to {word}", package.version, package.group);
        Some(if package.approval == word { format!("{words}, as before") } else { words })
    }

    fn edit(&mut self, model: &Model, back: u8) -> Option<String> {
        let package = self.version(model, back)?;
        self.edits += 1;
        let request = json!({"ModelPackageArn": package.arn,
            "CustomerMetadataProperties": {"note": self.edits.to_string()}});
        self.system.account(SiteId::Hub).ask("sagemaker", "UpdateModelPackage", &request).ok()?;
        Some(format!("a person edits the metadata of version {} of {}", package.version, package.group))
    }

    fn hold(&mut self, detail_type: &str, detail: &mut Value, site: Option<SiteId>) -> String {
        if let (Some(site), Some(detail)) = (site, detail.as_object_mut()) {
            detail.insert("environment".to_owned(), json!(site.name()));
        }
        self.publish(SiteId::Hub, detail_type, detail);
        let model = detail.get("model").and_then(Value::as_str).unwrap_or_default();
        let of = site.map_or("everywhere", SiteId::name);
        format!("{detail_type} by a person for {model}: {of}")
    }

    fn approve_environment(&mut self, model: &Model, site: SiteId, back: u8, by: &str) -> Option<String> {
        let version = self.version(model, back)?.version;
        let detail = json!({"schema": 1, "model": model.name, "environment": site.name(), "version": version,
            "by": by, "at": self.system.now()});
        self.publish(SiteId::Hub, "Approval Given", &detail);
        Some(format!("{by} agrees that version {version} of {} may enter {site}", model.name))
    }

    fn change_by_hand(&mut self, model: &Model, site: SiteId, change: ManualChange) -> Option<String> {
        let kind = model.at(site)?.kind;
        let name = model.endpoint(site);
        let account = self.system.account(site);
        let seen = self.system.cloud.with_world(|world, _| world.snapshot());
        let endpoint = seen.endpoint(site.account(), &name)?.clone();
        let ask = |operation: &str, request: Value| account.ask("sagemaker", operation, &request).ok();
        match change {
            ManualChange::Delete => {
                if kind == Kind::Component {
                    ask("DeleteInferenceComponent", json!({"InferenceComponentName": name}))?;
                    return Some(format!("a person deletes component {name} in {site}"));
                }
                ask("DeleteEndpoint", json!({"EndpointName": name}))?;
                Some(format!("a person deletes endpoint {name} in {site}"))
            }
            ManualChange::Update if kind == Kind::Component => {
                let model = seen.component(site.account(), &name)?.model.clone()?;
                let specification = json!({"ModelName": model,
                    "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 2048}});
                ask(
                    "UpdateInferenceComponent",
                    json!({"InferenceComponentName": name, "Specification": specification}),
                )?;
                Some(format!("a person gives component {name} in {site} more memory"))
            }
            ManualChange::Update => {
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
                Some(format!("a person gives endpoint {name} in {site} the configuration {config}"))
            }
        }
    }

    fn container(&mut self, model: &Model, site: SiteId) -> Option<String> {
        let target = model.endpoint(site);
        let words = format!("the containers of {target} in {site} answer with errors");
        let account = Some(site.account().to_owned());
        let message = "wrong number of features".to_owned();
        self.inject(Fault::ContainerError { account, target, status: 400, message });
        Some(words)
    }

    fn break_endpoint(&mut self, model: &Model, site: SiteId, failure: EndpointFailure) -> Option<String> {
        let endpoint = model.endpoint(site);
        let account = Some(site.account().to_owned());
        let reason = "capacity".to_owned();
        let (fault, words) = match failure {
            EndpointFailure::Creation => {
                (Fault::FailEndpointCreation { account, endpoint, reason }, "creation of the endpoint")
            }
            EndpointFailure::SilentRollback => (
                Fault::RollBackUpdate { account, endpoint, reason: None },
                "update, which will roll back without a reason,",
            ),
            EndpointFailure::Rollback => (
                Fault::RollBackUpdate { account, endpoint, reason: Some(reason) },
                "update, which will roll back,",
            ),
            EndpointFailure::Component => (
                Fault::FailComponentUpdate { account, component: endpoint, reason, failed: false },
                "update of the component, which will roll back,",
            ),
            EndpointFailure::MovedTag => {
                let image = IMAGE.to_owned();
                (Fault::MoveImageTag { image }, "start, with an image whose tag was moved,")
            }
        };
        self.inject(fault);
        Some(format!("the next {words} of {} in {site} will fail", model.name))
    }

    fn break_job(&mut self, model: &Model) -> Option<String> {
        let pipeline = Some(model.pipeline());
        let reason = "CapacityError: no instance".to_owned();
        self.inject(Fault::FailProcessing { account: None, pipeline, step: None, reason });
        Some(format!("the next job of {} will fail", model.pipeline()))
    }

    pub(crate) fn inject(&mut self, fault: Fault) {
        self.system.cloud.with_world(|world, _| world.inject_fault(fault));
    }

    /// Puts an event of our own on a bus.
    pub(crate) fn publish(&mut self, from: SiteId, detail_type: &str, detail: &Value) {
        if let Some((event, json)) = self.system.own_event(from, detail_type, detail) {
            self.route(from, &event, &json, 1);
        }
    }

    /// An event of an AWS service that is not part of the world.
    pub(crate) fn emit_aws_event(
        &mut self,
        site: SiteId,
        source: &str,
        detail_type: &str,
        resource: &str,
        detail: &Value,
    ) {
        let id = format!("aws-{}", self.system.event_bus.number());
        let json = json!({"version": "0", "id": id, "source": source, "detail-type": detail_type,
            "account": site.account(), "region": REGION, "time": self.system.now(), "resources": [resource],
            "detail": detail});
        if let Ok(event) = tidegate_events::parse_value(json.clone()) {
            self.route(site, &event, &json, 1);
        }
    }
}
