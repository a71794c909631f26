//! The state of a function for a model, and how a ledger stores it.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::{Serialize, de::DeserializeOwned};

/// The key of a state. Each account has one state for each function and model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StateKey {
    /// The name of the function.
    pub function: String,
    /// The name of the model.
    pub model: String,
}

/// A type that a function can store as its state for a model.
pub trait Remembered: Serialize + DeserializeOwned + Default + PartialEq + Send + Sync + 'static {}

impl<S: Serialize + DeserializeOwned + Default + PartialEq + Send + Sync + 'static> Remembered for S {}

/// A state in a ledger. A remote ledger stores the JSON text. A ledger in memory can store the value itself, which
/// avoids the serialization.
#[derive(Clone)]
pub struct StoredState(Arc<StateCell>);

/// The text or the value is present from the beginning. The other one is created on first use.
#[derive(Default)]
struct StateCell {
    text: OnceLock<Box<str>>,
    state: OnceLock<Arc<dyn AnyState>>,
}

/// A state of any function, without its type.
trait AnyState: Any + Send + Sync {
    fn to_text(&self) -> Result<String, serde_json::Error>;
    /// Returns `None` if the other value has another type.
    fn is_same(&self, other: &dyn Any) -> Option<bool>;
}

impl<S: Remembered> AnyState for S {
    fn to_text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    fn is_same(&self, other: &dyn Any) -> Option<bool> {
        other.downcast_ref::<S>().map(|other| other == self)
    }
}

impl StoredState {
    /// Stores the state of a decision.
    #[must_use]
    pub fn of(state: impl Remembered) -> Self {
        debug_assert!(
            is_unchanged_by_serialization(&state),
            "a state must not change when it is serialized and parsed"
        );
        Self(Arc::new(StateCell {
            state: OnceLock::from(Arc::new(state) as Arc<dyn AnyState>),
            ..StateCell::default()
        }))
    }

    /// The state as JSON text.
    ///
    /// # Errors
    /// Returns an error if the state cannot be serialized to JSON.
    pub fn text(&self) -> Result<&str, serde_json::Error> {
        if let Some(text) = self.0.text.get() {
            return Ok(text);
        }
        let text = self.0.state.get().map_or_else(|| Ok(String::new()), |state| state.to_text())?;
        Ok(self.0.text.get_or_init(|| text.into()))
    }

    /// The state as a value. The text is parsed at most once.
    ///
    /// # Errors
    /// Returns an error if the text is not a state of this type.
    pub fn read<S: Remembered>(&self) -> Result<Arc<S>, serde_json::Error> {
        let state = self.0.state.get().map(Arc::clone);
        if let Some(Ok(state)) = state.map(|state| (state as Arc<dyn Any + Send + Sync>).downcast()) {
            return Ok(state);
        }
        let read: Arc<S> = Arc::new(serde_json::from_str(self.text()?)?);
        self.0.state.get_or_init(|| Arc::<S>::clone(&read));
        Ok(read)
    }
}

/// Returns whether a state is equal to itself after serialization and parsing.
fn is_unchanged_by_serialization<S: Remembered>(state: &S) -> bool {
    serde_json::to_string(state)
        .is_ok_and(|text| serde_json::from_str(&text).is_ok_and(|read: S| read == *state))
}

impl<T: Into<Box<str>>> From<T> for StoredState {
    fn from(text: T) -> Self {
        Self(Arc::new(StateCell { text: OnceLock::from(text.into()), ..StateCell::default() }))
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
        f.write_str(self.text().unwrap_or("cannot be serialized"))
    }
}

/// A state with the revision at which it was read. The revision is 0 if the state was never written.
#[derive(Debug, Clone, PartialEq)]
pub struct Versioned {
    /// The revision of the state.
    pub revision: u64,
    /// The state, or `None` if it was never written.
    pub value: Option<StoredState>,
}

/// A state that is to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct StateWrite {
    /// The key of the state.
    pub key: StateKey,
    /// The revision that was read, or 0. If the ledger has another revision now, nothing is written.
    pub replaces: u64,
    /// The new state.
    pub value: StoredState,
}

impl StateWrite {
    /// The revision of the new state.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.replaces.saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_parsed_once_and_can_be_read_as_another_type() {
        let stored = StoredState::from("[1,2]");
        let first: Arc<Vec<u8>> = stored.read().unwrap();
        assert!(Arc::ptr_eq(&first, &stored.clone().read().unwrap()), "read once");
        assert_eq!(*stored.read::<Vec<u64>>().unwrap(), [1, 2], "another type");
        assert!(stored.read::<String>().is_err());
        assert_eq!(format!("{stored:?}"), "[1,2]");
    }

    #[test]
    fn a_state_is_equal_with_and_without_its_text() {
        let decided = StoredState::of(vec![1_u8, 2]);
        assert_eq!(decided, StoredState::of(vec![1_u8, 2]));
        assert_eq!(decided, StoredState::from("[1,2]"));
        assert_ne!(decided, StoredState::of(vec![1_u8]));
        assert_ne!(decided, StoredState::from("[1]"));
        assert_eq!(decided.text().unwrap(), "[1,2]");
        assert_eq!(*decided.read::<Vec<u8>>().unwrap(), [1, 2]);
        assert_eq!(decided, StoredState::of(vec![1_u64, 2]), "another type with the same text");
    }
}
