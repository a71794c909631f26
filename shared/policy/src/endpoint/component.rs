//! An inference component: as requested, as SageMaker describes it, and whether the two match.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::deploy::DeployedImage;

use super::{CopySize, Rollout, StartupTimes};

/// An inference component to create or update.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// Its name, which is the endpoint's name unless the endpoint is shared.
    pub name: String,
    /// Its endpoint.
    pub endpoint: String,
    /// Its model.
    pub model: String,
    /// What each copy is given.
    #[serde(flatten)]
    pub size: CopySize,
    /// The number of copies.
    pub copies: u32,
    /// How an update of it is rolled out.
    #[serde(default, skip_serializing_if = "Rollout::is_default")]
    pub rollout: Rollout,
    /// How long its start may take; SageMaker's own times if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<StartupTimes>,
}

/// An inference component as SageMaker describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunningComponent {
    /// Its ARN.
    pub arn: String,
    /// The name of its endpoint. It keeps the name after the endpoint is deleted.
    pub endpoint: Option<String>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// Its status.
    pub status: ComponentStatus,
    /// The model that it runs.
    pub model: Option<String>,
    /// The image that it runs, if SageMaker describes it.
    pub image: Option<DeployedImage>,
    /// What each copy is given.
    pub size: Option<CopySize>,
    /// The number of running copies: zero while it is scaled to zero.
    pub copies: Option<u32>,
    /// How long its start may take.
    pub startup: Option<StartupTimes>,
    /// SageMaker's reason for the last failure. It may be set while the component is in service, even after a later
    /// success.
    pub failure: Option<String>,
    /// When it last changed.
    pub last_modified: Option<Timestamp>,
}

impl RunningComponent {
    /// Whether it runs the requested model in copies of the requested size, whatever their number.
    #[must_use]
    pub fn runs(&self, wanted: &Component) -> bool {
        // SageMaker may describe times of its own where none were requested.
        let starts = wanted.startup.is_none() || self.startup == wanted.startup;
        starts
            && self.model.as_ref() == Some(&wanted.model)
            && self.size.is_some_and(|size| size.has(&wanted.size))
    }

    /// Whether it has at least this number of copies.
    #[must_use]
    pub fn has_copies(&self, fewest: u32) -> bool {
        self.copies.is_some_and(|copies| copies >= fewest)
    }

    /// What was requested and what runs, if it does not run as requested.
    pub(crate) fn difference(&self, wanted: &Component) -> (String, String) {
        let model = self.model.clone().unwrap_or_else(|| "unknown".to_owned());
        if model != wanted.model {
            return (wanted.model.clone(), model);
        }
        let size = |size: Option<CopySize>, copies: Option<u32>| {
            let size = size.map_or_else(|| "unknown MB".to_owned(), |size| size.to_string());
            let copies = copies.map_or_else(|| "unknown".to_owned(), |copies| copies.to_string());
            format!("{model} with {size} in {copies} copies")
        };
        (size(Some(wanted.size), Some(wanted.copies)), size(self.size, self.copies))
    }
}

impl Component {
    /// How the existing component differs from this one.
    pub(crate) fn found(&self, running: Option<&RunningComponent>) -> &'static str {
        match running {
            None => "none",
            Some(running) if running.model.as_ref() != Some(&self.model) => "another model",
            Some(running) if !running.runs(self) => "another size",
            Some(_) => "too few copies",
        }
    }
}

/// The states of an inference component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComponentStatus {
    /// It serves.
    InService,
    /// It is being created.
    Creating,
    /// It is being updated.
    Updating,
    /// It failed.
    Failed,
    /// It is being deleted.
    Deleting,
    /// A status that this version does not know.
    Unknown(String),
}

impl ComponentStatus {
    /// Parses a status as SageMaker writes it.
    #[must_use]
    pub fn read(text: &str) -> Self {
        match text {
            "InService" => Self::InService,
            "Creating" => Self::Creating,
            "Updating" => Self::Updating,
            "Failed" => Self::Failed,
            "Deleting" => Self::Deleting,
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// Whether SageMaker is changing a component of this status, so that it rejects other changes.
    #[must_use]
    pub fn is_changing(&self) -> bool {
        matches!(self, Self::Creating | Self::Updating | Self::Deleting)
    }
}

impl std::fmt::Display for ComponentStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::InService => "InService",
            Self::Creating => "Creating",
            Self::Updating => "Updating",
            Self::Failed => "Failed",
            Self::Deleting => "Deleting",
            Self::Unknown(text) => text,
        })
    }
}
