//! An inference component: as it is wanted, as SageMaker describes it, and whether the two are the same.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::reason::Reason;

/// A model on an endpoint of components.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// Its name: the endpoint's.
    pub name: String,
    /// Its endpoint.
    pub endpoint: String,
    /// Its model.
    pub model: String,
    /// Memory for a copy in MB.
    pub memory_mb: u32,
    /// Copies.
    pub copies: u32,
}

/// An inference component as SageMaker describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunningComponent {
    /// Its status.
    pub status: ComponentStatus,
    /// The model that it runs.
    pub model: Option<String>,
    /// Memory for a copy in MB.
    pub memory_mb: Option<u32>,
    /// Copies that run: none while it is at zero.
    pub copies: Option<u32>,
    /// Why it failed.
    pub failure: Option<String>,
    /// When it last changed.
    pub last_modified: Option<Timestamp>,
}

impl RunningComponent {
    /// Whether it runs the wanted model in copies of the wanted size, however many.
    #[must_use]
    pub fn runs(&self, wanted: &Component) -> bool {
        self.model.as_ref() == Some(&wanted.model) && self.memory_mb == Some(wanted.memory_mb)
    }

    /// Whether it has at least so many copies.
    #[must_use]
    pub fn has_copies(&self, fewest: u32) -> bool {
        self.copies.is_some_and(|copies| copies >= fewest)
    }

    /// The reason to record if it changed as it was told to and still is not as wanted.
    pub(crate) fn rolled_back(&self, wanted: &Component) -> Reason {
        let model = self.model.clone().unwrap_or_else(|| "unknown".to_owned());
        if model != wanted.model {
            return Reason::OldConfigRunning { requested: wanted.model.clone(), running: model };
        }
        let number = |number: Option<u32>| number.map_or_else(|| "unknown".to_owned(), |n| n.to_string());
        let size =
            |memory, copies| format!("{model} with {} MB in {} copies", number(memory), number(copies));
        Reason::OldConfigRunning {
            requested: size(Some(wanted.memory_mb), Some(wanted.copies)),
            running: size(self.memory_mb, self.copies),
        }
    }
}

impl Component {
    /// What is found in its place.
    pub(crate) fn found(&self, running: Option<&RunningComponent>) -> &'static str {
        match running {
            None => "none",
            Some(running) if running.model.as_ref() != Some(&self.model) => "another model",
            Some(running) if !running.runs(self) => "another memory",
            Some(_) => "too few copies",
        }
    }
}

/// The states of an inference component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComponentStatus {
    /// It serves.
    InService,
    /// It is being made.
    Creating,
    /// It is being changed.
    Updating,
    /// It failed.
    Failed,
    /// It is being deleted.
    Deleting,
    /// None that we know.
    Unknown(String),
}

impl ComponentStatus {
    /// A status as SageMaker writes it.
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
