//! The model registry: versions, approvals and life cycles.

pub(crate) mod groups;
mod resource_policy;
mod search;
mod update;

use jiff::Timestamp;
use serde_json::{Value, json};

use groups::{locate_group, no_group};

use crate::account::{AccountRegion, Call, parse_arn};
use crate::error::ApiError;
use crate::faults::FaultPlan;
use crate::json::{copy, epoch, listing, millis, need, put, put_some, stamp, text};
use crate::services::Operations;
use crate::services::sagemaker::models::image_digest;
use crate::world::World;

pub(crate) const OPERATIONS: Operations = &[
    ("CreateModelPackage", create_package),
    ("DescribeModelPackage", describe_package),
    ("ListModelPackages", list_packages),
    ("Search", search::search),
    ("UpdateModelPackage", update::update_package),
];

/// One version in a group.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) arn: String,
    pub(crate) group: String,
    pub(crate) version: i64,
    /// What it was registered with: specification, metrics, metadata.
    pub(crate) request: Value,
    pub(crate) status: &'static str,
    pub(crate) approval: String,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) by: String,
    /// The client tokens of updates already made.
    pub(crate) tokens: Vec<String>,
}

impl Package {
    /// The digests of its images.
    pub(crate) fn image_digests(&self) -> Vec<String> {
        let containers = self.request.pointer("/InferenceSpecification/Containers").and_then(Value::as_array);
        let digests = containers.into_iter().flatten().filter_map(|of| text(of, "ImageDigest"));
        digests.map(str::to_owned).collect()
    }

    /// # Errors
    /// `ValidationException` when no model may be created from this package.
    pub(crate) fn deployable(&self) -> Result<(), ApiError> {
        if self.status != "Completed" {
            return Err(ApiError::validation(format!("Model package \"{}\" is {}.", self.arn, self.status)));
        }
        if self.approval != "Approved" {
            return Err(ApiError::validation(format!(
                "Model package \"{}\" must be Approved to create a model from it, but is {}.",
                self.arn, self.approval
            )));
        }
        Ok(())
    }

    fn name(&self) -> String {
        format!("{}/{}", self.group, self.version)
    }

    /// Status details; all of a versioned package's checks are made before it exists.
    fn details() -> Value {
        json!({"ValidationStatuses": [], "ImageScanStatuses": []})
    }

    /// The body of a state change event. `updated` names the fields an update changed.
    pub(crate) fn event_detail(&self, updated: Option<&[String]>) -> Value {
        let mut detail = json!({
            "ModelPackageName": self.name(),
            "ModelPackageGroupName": self.group,
            "ModelPackageVersion": self.version,
            "ModelPackageArn": self.arn,
            "CreationTime": millis(self.created),
            "ModelPackageStatus": self.status,
            "ModelPackageStatusDetails": Self::details(),
            "CertifyForMarketplace": false,
            "ModelApprovalStatus": self.approval,
            "LastModifiedTime": millis(self.modified),
        });
        let keys = [
            "InferenceSpecification",
            "MetadataProperties",
            "ModelMetrics",
            "ApprovalDescription",
            "ModelLifeCycle",
            "CustomerMetadataProperties",
        ];
        copy(&self.request, &keys, &mut detail);
        put_some(&mut detail, "UpdatedModelPackageFields", updated.map(<[String]>::to_vec));
        detail
    }

    fn describe(&self) -> Value {
        let mut answer = json!({
            // Unlike in events, a name with a slash would not fit the API model.
            "ModelPackageName": self.group,
            "ModelPackageGroupName": self.group,
            "ModelPackageVersion": self.version,
            "ModelPackageArn": self.arn,
            "CreationTime": epoch(self.created),
            "LastModifiedTime": epoch(self.modified),
            "ModelPackageStatus": self.status,
            "ModelPackageStatusDetails": Self::details(),
            "ModelApprovalStatus": self.approval,
            "CertifyForMarketplace": false,
            "CreatedBy": user(&self.by),
        });
        let keys = [
            "ModelPackageDescription",
            "InferenceSpecification",
            "MetadataProperties",
            "ModelMetrics",
            "ApprovalDescription",
            "Domain",
            "Task",
            "SamplePayloadUrl",
            "CustomerMetadataProperties",
            "DriftCheckBaselines",
            "SkipModelValidation",
            "SourceUri",
            "ModelLifeCycle",
        ];
        copy(&self.request, &keys, &mut answer);
        answer
    }
}

/// A principal as the API writes it.
pub(crate) fn user(principal: &str) -> Value {
    json!({"IamIdentity": {"Arn": principal, "PrincipalId": principal.rsplit('/').next().unwrap_or(principal)}})
}

/// The approval of a request is one of the three that exist. Any of them may follow any other.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateModelPackage.html>
fn check_approval(request: &Value) -> Result<(), ApiError> {
    const APPROVALS: [&str; 3] = ["PendingManualApproval", "Approved", "Rejected"];
    match text(request, "ModelApprovalStatus").filter(|given| !APPROVALS.contains(given)) {
        None => Ok(()),
        Some(given) => Err(ApiError::validation(format!(
            "1 validation error detected: Value '{given}' at 'modelApprovalStatus' failed to satisfy constraint: Member \
             must satisfy enum value set: [{}]",
            APPROVALS.join(", ")
        ))),
    }
}

fn create_package(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "ModelPackageGroupName")?;
    check_approval(request)?;
    let (place, group) = locate_group(call, name);
    if !world.resources(&place).is_some_and(|resources| resources.groups.contains_key(&group)) {
        return Err(no_group(&place, &group));
    }
    let arn = world.register(&place, &group, request, &call.principal, call.now);
    Ok(json!({"ModelPackageArn": arn}))
}

fn describe_package(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "ModelPackageName")?;
    world.admitted_package(call, name, "sagemaker:DescribeModelPackage").map(Package::describe)
}

fn list_packages(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let Some(name) = text(request, "ModelPackageGroupName") else {
        // Without a group AWS lists unversioned packages, and there are none here.
        return listing("ModelPackageSummaryList", Vec::new(), request);
    };
    let (place, group) = locate_group(call, name);
    world.admitted_group(call, &place, &group, "sagemaker:ListModelPackages")?;
    let mut found: Vec<&Package> = world
        .resources(&place)
        .into_iter()
        .flat_map(|resources| resources.packages.values())
        .filter(|p| p.group == group)
        .filter(|p| text(request, "ModelApprovalStatus").is_none_or(|wanted| p.approval == wanted))
        .filter(|p| stamp(request, "CreationTimeAfter").is_none_or(|after| p.created > after))
        .filter(|p| stamp(request, "CreationTimeBefore").is_none_or(|before| p.created < before))
        .collect();
    found.sort_by_key(|p| (p.created, p.version));
    // The registry lists the newest version first.
    if text(request, "SortOrder") != Some("Ascending") {
        found.reverse();
    }
    listing("ModelPackageSummaryList", found.into_iter().map(summary).collect(), request)
}

fn summary(package: &Package) -> Value {
    let mut item = json!({
        "ModelPackageGroupName": package.group,
        "ModelPackageVersion": package.version,
        "ModelPackageArn": package.arn,
        "CreationTime": epoch(package.created),
        "ModelPackageStatus": package.status,
        "ModelApprovalStatus": package.approval,
    });
    copy(&package.request, &["ModelPackageDescription", "ModelLifeCycle"], &mut item);
    item
}

impl World {
    /// Registers the next version of a group that exists, emits its event and returns its ARN.
    pub(crate) fn register(
        &mut self,
        place: &AccountRegion,
        group: &str,
        request: &Value,
        by: &str,
        at: Timestamp,
    ) -> String {
        let failed = self.faults.package(&place.account, group);
        let mut request = request.clone();
        digest_artifacts(&self.faults, &mut request);
        let resources = self.resources_mut(place);
        let version = resources.groups.get_mut(group).map_or(1, |g| {
            g.next_version += 1;
            g.next_version - 1
        });
        let arn = place.arn("model-package", &format!("{group}/{version}"));
        let package = Package {
            arn: arn.clone(),
            group: group.to_owned(),
            version,
            status: if failed { "Failed" } else { "Completed" },
            approval: text(&request, "ModelApprovalStatus").unwrap_or("PendingManualApproval").to_owned(),
            request,
            created: at,
            modified: at,
            by: by.to_owned(),
            tokens: Vec::new(),
        };
        let detail = package.event_detail(None);
        resources.packages.insert(arn.clone(), package);
        self.emit_sagemaker_event(
            place,
            "SageMaker Model Package State Change",
            vec![arn.clone()],
            detail,
            at,
            2,
        );
        arn
    }

    /// A package that exists and that the caller may see: its own account's, or one whose group policy admits it.
    ///
    /// # Errors
    /// `ValidationException` when it does not exist or is in another region, `AccessDeniedException` when the policy does not admit it.
    pub(crate) fn admitted_package(
        &self,
        call: &Call,
        name: &str,
        action: &str,
    ) -> Result<&Package, ApiError> {
        let (place, name) = match parse_arn(name) {
            Some((place, "model-package", name)) => (place, name.to_owned()),
            _ => (call.place.clone(), name.to_owned()),
        };
        // https://github.com/aws/amazon-sagemaker-examples/issues/1438
        if place.region != call.place.region {
            let region = &call.place.region;
            return Err(ApiError::validation(format!("ARN should be scoped to correct region: {region}")));
        }
        let arn = place.arn("model-package", &name);
        let group = name.split('/').next().unwrap_or_default();
        self.admit(call, &place, group, action, &arn)?;
        self.resources(&place)
            .and_then(|resources| resources.packages.values().find(|p| p.arn.eq_ignore_ascii_case(&arn)))
            .ok_or_else(|| ApiError::validation(format!("ModelPackage {arn} does not exist.")))
    }

    /// Across accounts the group's policy must admit the caller; a missing group admits nobody.
    fn admit(
        &self,
        call: &Call,
        place: &AccountRegion,
        group: &str,
        action: &str,
        arn: &str,
    ) -> Result<(), ApiError> {
        if place.account == call.place.account {
            return Ok(());
        }
        let policy =
            self.resources(place).and_then(|s| s.groups.get(group)).and_then(|g| g.policy.as_deref());
        if policy
            .is_some_and(|p| resource_policy::admits(p, &call.place.account, &call.principal, action, arn))
        {
            return Ok(());
        }
        let because = format!("because no resource-based policy allows the {action} action");
        Err(ApiError::denied(&call.principal, action, arn, &because))
    }
}

/// The registry resolves every image to its digest, and notes the entity tag of the model data, when a version gets its
/// specification. That it does so always is assumed: AWS documents the two members, and its sample of the event has the
/// digest (<https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelPackageContainerDefinition.html>,
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html>).
pub(super) fn digest_artifacts(faults: &FaultPlan, request: &mut Value) {
    use sha2::{Digest, Sha256};
    let hex = |text: &str| Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let containers = request.pointer_mut("/InferenceSpecification/Containers").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten() {
        if container.get("ImageDigest").is_none()
            && let Some(image) = text(container, "Image")
        {
            let digest = image_digest(image, faults.tag_moves(image));
            put(container, "ImageDigest", json!(digest));
        }
        if container.get("ModelDataETag").is_none()
            && let Some(url) = text(container, "ModelDataUrl")
        {
            let etag: String = hex(url).chars().take(32).collect();
            put(container, "ModelDataETag", json!(etag));
        }
    }
}
