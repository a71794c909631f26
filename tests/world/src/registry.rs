//! The model registry: groups, versions, approvals and life cycles.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::core::{Handler, World};
use crate::error::ApiError;
use crate::json::{copy, epoch, listing, millis, need, put, put_some, stamp, tag_map, text};
use crate::place::{Call, Place, parse_arn};
use crate::resource_policy;

pub(crate) const OPERATIONS: &[(&str, Handler)] = &[
    ("CreateModelPackageGroup", create_group),
    ("DescribeModelPackageGroup", describe_group),
    ("PutModelPackageGroupPolicy", put_policy),
    ("GetModelPackageGroupPolicy", get_policy),
    ("CreateModelPackage", create_package),
    ("DescribeModelPackage", describe_package),
    ("ListModelPackages", list_packages),
    ("UpdateModelPackage", crate::package_update::update_package),
];

/// A model package group.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) arn: String,
    description: Option<String>,
    created: Timestamp,
    by: String,
    policy: Option<String>,
    next_version: i64,
}

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

/// Who did something, as the API writes it.
pub(crate) fn user(principal: &str) -> Value {
    json!({"IamIdentity": {"Arn": principal, "PrincipalId": principal.rsplit('/').next().unwrap_or(principal)}})
}

/// A group name out of a name or an ARN, and where it lives.
fn group_place(call: &Call, name_or_arn: &str) -> (Place, String) {
    match parse_arn(name_or_arn) {
        Some((place, "model-package-group", name)) => (place, name.to_owned()),
        _ => (call.place.clone(), name_or_arn.to_owned()),
    }
}

fn no_group(place: &Place, name: &str) -> ApiError {
    ApiError::validation(format!(
        "ModelPackageGroup {} does not exist.",
        place.arn("model-package-group", name)
    ))
}

fn create_group(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "ModelPackageGroupName")?;
    let arn = call.place.arn("model-package-group", name);
    if world.scope(&call.place).is_some_and(|scope| scope.groups.contains_key(name)) {
        return Err(ApiError::validation(format!("Model Package Group already exists: {arn}")));
    }
    let description = text(request, "ModelPackageGroupDescription").map(str::to_owned);
    world.ensure_group(&call.place, name, description, &call.principal, call.now);
    world.scope_mut(&call.place).tag(&arn, tag_map(request));
    Ok(json!({"ModelPackageGroupArn": arn}))
}

fn describe_group(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let (place, name) = group_place(call, need(request, "ModelPackageGroupName")?);
    let group = world.admitted_group(call, &place, &name, "sagemaker:DescribeModelPackageGroup")?;
    let mut answer = json!({
        "ModelPackageGroupName": name,
        "ModelPackageGroupArn": group.arn,
        "CreationTime": epoch(group.created),
        "CreatedBy": user(&group.by),
        "ModelPackageGroupStatus": "Completed",
    });
    put_some(&mut answer, "ModelPackageGroupDescription", group.description.clone());
    Ok(answer)
}

fn put_policy(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "ModelPackageGroupName")?;
    let policy = need(request, "ResourcePolicy")?;
    resource_policy::check(policy).map_err(ApiError::validation)?;
    let group =
        world.scope_mut(&call.place).groups.get_mut(name).ok_or_else(|| no_group(&call.place, name))?;
    group.policy = Some(policy.to_owned());
    Ok(json!({"ModelPackageGroupArn": group.arn}))
}

fn get_policy(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "ModelPackageGroupName")?;
    let group = world
        .scope(&call.place)
        .and_then(|scope| scope.groups.get(name))
        .ok_or_else(|| no_group(&call.place, name))?;
    let policy = group
        .policy
        .as_deref()
        .ok_or_else(|| ApiError::validation(format!("Cannot find resource policy for {}.", group.arn)))?;
    Ok(json!({"ResourcePolicy": policy}))
}

fn create_package(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "ModelPackageGroupName")?;
    let (place, group) = group_place(call, name);
    if !world.scope(&place).is_some_and(|scope| scope.groups.contains_key(&group)) {
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
    let (place, group) = group_place(call, name);
    world.admitted_group(call, &place, &group, "sagemaker:ListModelPackages")?;
    let mut found: Vec<&Package> = world
        .scope(&place)
        .into_iter()
        .flat_map(|scope| scope.packages.values())
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
    /// Creates a group if it is missing, as registering through a pipeline does.
    pub(crate) fn ensure_group(
        &mut self,
        place: &Place,
        name: &str,
        description: Option<String>,
        by: &str,
        at: Timestamp,
    ) {
        let arn = place.arn("model-package-group", name);
        self.scope_mut(place).groups.entry(name.to_owned()).or_insert_with(|| Group {
            arn,
            description,
            created: at,
            by: by.to_owned(),
            policy: None,
            next_version: 1,
        });
    }

    /// Registers the next version of a group that exists, tells of it and returns its ARN.
    pub(crate) fn register(
        &mut self,
        place: &Place,
        group: &str,
        request: &Value,
        by: &str,
        at: Timestamp,
    ) -> String {
        let failed = self.plans.package(&place.account, group);
        let scope = self.scope_mut(place);
        let version = scope.groups.get_mut(group).map_or(1, |g| {
            g.next_version += 1;
            g.next_version - 1
        });
        let arn = place.arn("model-package", &format!("{group}/{version}"));
        let mut request = request.clone();
        digest_images(&mut request);
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
        scope.packages.insert(arn.clone(), package);
        self.tell(place, "SageMaker Model Package State Change", vec![arn.clone()], detail, at, 2);
        arn
    }

    /// A package that exists and that the caller may see: its own account's, or one whose group policy admits it.
    ///
    /// # Errors
    /// `ValidationException` when it does not exist, `AccessDeniedException` when the policy does not admit it.
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
        let arn = place.arn("model-package", &name);
        let group = name.split('/').next().unwrap_or_default();
        self.admit(call, &place, group, action, &arn)?;
        self.scope(&place)
            .and_then(|scope| scope.packages.values().find(|p| p.arn.eq_ignore_ascii_case(&arn)))
            .ok_or_else(|| ApiError::validation(format!("ModelPackage {arn} does not exist.")))
    }

    fn admitted_group(
        &self,
        call: &Call,
        place: &Place,
        name: &str,
        action: &str,
    ) -> Result<&Group, ApiError> {
        self.admit(call, place, name, action, &place.arn("model-package-group", name))?;
        self.scope(place).and_then(|scope| scope.groups.get(name)).ok_or_else(|| no_group(place, name))
    }

    /// Across accounts the group's policy must admit the caller; a missing group admits nobody.
    fn admit(
        &self,
        call: &Call,
        place: &Place,
        group: &str,
        action: &str,
        arn: &str,
    ) -> Result<(), ApiError> {
        if place.account == call.place.account {
            return Ok(());
        }
        let policy = self.scope(place).and_then(|s| s.groups.get(group)).and_then(|g| g.policy.as_deref());
        if policy
            .is_some_and(|p| resource_policy::admits(p, &call.place.account, &call.principal, action, arn))
        {
            return Ok(());
        }
        let because = format!("because no resource-based policy allows the {action} action");
        Err(ApiError::denied(&call.principal, action, arn, &because))
    }
}

/// The registry resolves every image to its digest when a version is registered.
fn digest_images(request: &mut Value) {
    use sha2::{Digest, Sha256};
    let containers = request.pointer_mut("/InferenceSpecification/Containers").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten() {
        if container.get("ImageDigest").is_none()
            && let Some(image) = text(container, "Image")
        {
            let hex: String = Sha256::digest(image).iter().map(|byte| format!("{byte:02x}")).collect();
            put(container, "ImageDigest", json!(format!("sha256:{hex}")));
        }
    }
}
