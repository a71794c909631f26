//! What functions remember, as a ledger keeps it.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::{Serialize, de::DeserializeOwned};

/// Whose state: one item for each function and model in an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StateKey {
    /// The function.
    pub function: String,
    /// The model.
    pub model: String,
}

/// What a function may remember for a model.
pub trait Remembered: Serialize + DeserializeOwned + Default + PartialEq + Send + Sync + 'static {}

impl<S: Serialize + DeserializeOwned + Default + PartialEq + Send + Sync + 'static> Remembered for S {}

/// A state, for a ledger to keep. A ledger elsewhere keeps its text; one in memory can keep it as it is, and then it is
/// neither written as JSON nor read again.
#[derive(Clone)]
pub struct StoredState(Arc<Kept>);

/// One of both is there from the beginning; the other is made when it is first asked for.
#[derive(Default)]
struct Kept {
    text: OnceLock<Box<str>>,
    state: OnceLock<Arc<dyn Known>>,
}

/// A state of some function.
trait Known: Any + Send + Sync {
    fn to_text(&self) -> Result<String, serde_json::Error>;
    /// Nothing if the other one is of another shape.
    fn is_same(&self, other: &dyn Any) -> Option<bool>;
}

impl<S: Remembered> Known for S {
    fn to_text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    fn is_same(&self, other: &dyn Any) -> Option<bool> {
        other.downcast_ref::<S>().map(|other| other == self)
    }
}

impl StoredState {
    /// A state as a function has decided it.
    #[must_use]
    pub fn of(state: impl Remembered) -> Self {
        debug_assert!(survives(&state), "a state is not what its text says");
        Self(Arc::new(Kept { state: OnceLock::from(Arc::new(state) as Arc<dyn Known>), ..Kept::default() }))
    }

    /// The state as JSON.
    ///
    /// # Errors
    /// If it cannot be said in JSON.
    pub fn text(&self) -> Result<&str, serde_json::Error> {
        if let Some(text) = self.0.text.get() {
            return Ok(text);
        }
        let text = self.0.state.get().map_or_else(|| Ok(String::new()), |state| state.to_text())?;
        Ok(self.0.text.get_or_init(|| text.into()))
    }

    /// The state. A text is read once, however often it is asked for.
    ///
    /// # Errors
    /// If the text is no such state.
    pub fn read<S: Remembered>(&self) -> Result<Arc<S>, serde_json::Error> {
        let known = self.0.state.get().map(Arc::clone);
        if let Some(Ok(known)) = known.map(|state| (state as Arc<dyn Any + Send + Sync>).downcast()) {
            return Ok(known);
        }
        let read: Arc<S> = Arc::new(serde_json::from_str(self.text()?)?);
        self.0.state.get_or_init(|| Arc::<S>::clone(&read));
        Ok(read)
    }
}

/// Whether a state is the same after it was written and read.
fn survives<S: Remembered>(state: &S) -> bool {
    serde_json::to_string(state)
        .is_ok_and(|text| serde_json::from_str(&text).is_ok_and(|read: S| read == *state))
}

impl<T: Into<Box<str>>> From<T> for StoredState {
    fn from(text: T) -> Self {
        Self(Arc::new(Kept { text: OnceLock::from(text.into()), ..Kept::default() }))
    }
}

impl PartialEq for StoredState {
    fn eq(&self, other: &Self) -> bool {
        let states = self.0.state.get().zip(other.0.state.get());
        let same = states.and_then(|(one, other)| one.is_same(other.as_ref()));
        same.unwrap_or_else(|| self.text().ok() == other.text().ok())
    }
}

impl fmt::Debug for StoredState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().unwrap_or("unspeakable"))
    }
}

/// A state and the revision under which it was read; 0 if it was never written.
#[derive(Debug, Clone, PartialEq)]
pub struct Versioned {
    /// The revision.
    pub revision: u64,
    /// The state; none if it was never written.
    pub value: Option<StoredState>,
}

/// A state that is written.
#[derive(Debug, Clone, PartialEq)]
pub struct StateWrite {
    /// Whose.
    pub key: StateKey,
    /// The revision that was read, 0 for none: if it is another meanwhile, nothing is written.
    pub replaces: u64,
    /// The state.
    pub value: StoredState,
}

impl StateWrite {
    /// The revision under which it is written.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.replaces.saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_once_and_as_whatever_it_is_asked_for() {
        let stored = StoredState::from("[1,2]");
        let first: Arc<Vec<u8>> = stored.read().unwrap();
        assert!(Arc::ptr_eq(&first, &stored.clone().read().unwrap()), "read once");
        assert_eq!(*stored.read::<Vec<u64>>().unwrap(), [1, 2], "another shape");
        assert!(stored.read::<String>().is_err());
        assert_eq!(format!("{stored:?}"), "[1,2]");
    }

    #[test]
    fn a_state_is_the_same_with_and_without_its_text() {
        let decided = StoredState::of(vec![1_u8, 2]);
        assert_eq!(decided, StoredState::of(vec![1_u8, 2]));
        assert_eq!(decided, StoredState::from("[1,2]"));
        assert_ne!(decided, StoredState::of(vec![1_u8]));
        assert_ne!(decided, StoredState::from("[1]"));
        assert_eq!(decided.text().unwrap(), "[1,2]");
        assert_eq!(*decided.read::<Vec<u8>>().unwrap(), [1, 2]);
        assert_eq!(decided, StoredState::of(vec![1_u64, 2]), "another shape, the same text");
    }
}
