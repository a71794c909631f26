//! Differences between the decisions under two policies.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_engine::DecisionRecord;

use super::plans;

/// A decision with its position in the stream.
#[derive(Debug)]
pub(super) struct Placed {
    /// The item of the batch that caused it, or that follows it.
    pub(super) item: usize,
    /// The time of the decision.
    pub(super) at: Timestamp,
    /// The model. Decisions at the same time are sorted by the names of the models.
    pub(super) model: String,
    /// The decision in printed form.
    pub(super) text: String,
    /// Its content, for the comparison.
    pub(super) said: Option<Box<Said>>,
}

/// The content of a decision that is compared.
#[derive(Debug, PartialEq)]
pub(super) struct Said {
    key: [String; 4],
    verdict: String,
    reason: String,
    message: String,
    plan: Vec<Value>,
}

impl Said {
    pub(super) fn of(record: &DecisionRecord) -> Self {
        Self {
            key: [&record.function, &record.environment, &record.model, &record.event.idempotency_key]
                .map(Clone::clone),
            verdict: record.verdict.clone(),
            reason: record.reason.clone(),
            message: record.message.clone(),
            plan: record.plan.iter().map(without_versions).collect(),
        }
    }

    fn json(&self) -> Value {
        json!({"verdict": self.verdict, "reason": self.reason, "message": self.message, "plan": self.plan})
    }

    fn line(&self) -> String {
        format!("{} {}: {}", self.verdict, self.reason, self.message)
    }
}

/// Removes the policy versions: they always differ, and do not count as a difference.
fn without_versions(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let others = members.iter().filter(|(name, _)| *name != "policy_version");
            others.map(|(name, value)| (name.clone(), without_versions(value))).collect()
        }
        Value::Array(list) => list.iter().map(without_versions).collect(),
        other => other.clone(),
    }
}

/// One decision under both policies, or under one of them if the other leads to no decision.
#[derive(Debug)]
pub(super) struct Difference {
    at: Timestamp,
    policy: Option<Box<Said>>,
    against: Option<Box<Said>>,
}

/// The differences between the decisions of one batch. Both lists are in the order of the stream.
pub(super) fn differences(policy: Vec<Placed>, against: Vec<Placed>) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut theirs = against.into_iter().peekable();
    let mut ours = policy.into_iter().peekable();
    loop {
        let item = [ours.peek(), theirs.peek()].into_iter().flatten().map(|placed| placed.item).min();
        let Some(item) = item else { return found };
        let mut left: Vec<Placed> = Vec::new();
        while let Some(placed) = theirs.next_if(|placed| placed.item == item) {
            left.push(placed);
        }
        let mut of_item = Vec::new();
        while let Some(placed) = ours.next_if(|placed| placed.item == item) {
            let same = |other: &Placed| match (&other.said, &placed.said) {
                (Some(theirs), Some(ours)) => theirs.key == ours.key,
                _ => false,
            };
            let partner = left.iter().position(same).map(|index| left.remove(index));
            let against = partner.and_then(|partner| partner.said);
            if placed.said != against {
                of_item.push(Difference { at: placed.at, policy: placed.said, against });
            }
        }
        of_item.extend(left.into_iter().map(|placed| Difference {
            at: placed.at,
            policy: None,
            against: placed.said,
        }));
        of_item.sort_by_key(|difference| difference.at);
        found.extend(of_item);
    }
}

impl Difference {
    fn key(&self) -> Option<&[String; 4]> {
        self.policy.as_ref().or(self.against.as_ref()).map(|said| &said.key)
    }

    /// The form for people.
    pub(super) fn text(&self) -> String {
        let mut text = self.at.to_string();
        if let Some([function, environment, model, _]) = self.key() {
            // Writing to a string cannot fail.
            let _ = write!(text, "  {model} {environment} {function}");
        }
        for (name, said) in [("policy ", &self.policy), ("against", &self.against)] {
            let line = said.as_ref().map_or_else(|| "decides nothing".to_owned(), |said| said.line());
            let _ = write!(text, "\n    {name}  {line}");
        }
        if let (Some(policy), Some(against)) = (&self.policy, &self.against)
            && policy.line() == against.line()
        {
            text.push_str("\n    their plans differ:");
            for (place, [policy, against]) in plans::differing(&policy.plan, &against.plan) {
                let _ = write!(text, "\n      {place}: {policy} / {against}");
            }
        }
        text
    }

    /// The form for programs.
    pub(super) fn json(&self) -> String {
        let said = |said: &Option<Box<Said>>| said.as_ref().map(|said| said.json());
        let [function, environment, model, event] = self.key().cloned().unwrap_or_default();
        json!({"at": self.at, "model": model, "environment": environment, "function": function, "event": event,
            "policy": said(&self.policy), "against": said(&self.against)})
        .to_string()
    }
}
