//! Claims: which invocation processes an event.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use jiff::{SignedDuration, Timestamp};
use tidegate_engine::ports::{CLAIM_DAYS, Claim};
use tidegate_engine::{ActionOutcome, DecisionRecord, EngineError};

use super::items::{self, CLAIM, Item};
use super::{DynamoLedger, SERVICE};
use crate::error::failed;

const OPEN: &str = "open";
const DECIDED: &str = "decided";
const DONE: &str = "done";

/// A claim as it is stored in the table.
#[derive(Debug, Clone)]
struct StoredClaim {
    owner: String,
    /// The end of the lease, in milliseconds since the epoch.
    lease_until: i64,
    status: String,
    decision: Option<DecisionKey>,
    /// The outcomes of the steps so far, while the plan is not complete.
    outcomes: Vec<ActionOutcome>,
}

/// The sort key and the model of a claim's decision.
#[derive(Debug, Clone)]
struct DecisionKey {
    pk: String,
    sk: String,
    id: String,
}

/// The result of the attempt to put a new claim.
enum PutResult {
    Made,
    Taken(Item),
    /// A claim existed when the put was rejected, and does not exist any more.
    Vanished,
}

impl DynamoLedger {
    pub(super) async fn take_claim(
        &self,
        key: &str,
        owner: &str,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Claim, EngineError> {
        let until = now.checked_add(lease).unwrap_or(Timestamp::MAX);
        let item = match self.put_claim(key, owner, now, until).await? {
            PutResult::Made => return Ok(Claim::Fresh),
            // The table's TTL deleted the claim between two reads. A second attempt succeeds.
            PutResult::Vanished => return Ok(Claim::Leased { until: now }),
            PutResult::Taken(item) => item,
        };
        let seen = StoredClaim::read(&item, key)?;
        if seen.status == DONE {
            return self.done(seen.decision).await;
        }
        let held_until = Timestamp::from_millisecond(seen.lease_until).unwrap_or(now);
        if seen.owner != owner && held_until > now {
            return Ok(Claim::Leased { until: held_until });
        }
        if !self.take_over(key, owner, &seen, now, until).await? {
            // Another invocation put the claim at the same time, and has a lease of about this length.
            return Ok(Claim::Leased { until });
        }
        match seen.decision {
            Some(decision) if seen.status == DECIDED => {
                let record = self.decided(&decision).await?;
                Ok(Claim::Resume(Box::new(DecisionRecord { outcomes: seen.outcomes, ..record })))
            }
            _ => Ok(Claim::Fresh),
        }
    }

    pub(super) async fn read_open(&self, key: &str) -> Result<bool, EngineError> {
        is_open(key, self.get(&items::claim_pk(key), CLAIM).await?.as_ref())
    }

    async fn put_claim(
        &self,
        key: &str,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<PutResult, EngineError> {
        let pk = items::claim_pk(key);
        let mut item = items::key(&pk, CLAIM);
        item.insert("owner".to_owned(), items::text(owner));
        item.insert("lease_until".to_owned(), items::number(until.as_millisecond()));
        item.insert("status".to_owned(), items::text(OPEN));
        item.insert("expires_at".to_owned(), items::expiry(now, CLAIM_DAYS));
        let answer = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let error = match answer {
            Ok(_) => return Ok(PutResult::Made),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                // Not all emulators return the item.
                let item = match failed.item() {
                    Some(item) if !item.is_empty() => Some(item.clone()),
                    _ => self.get(&pk, CLAIM).await?,
                };
                Ok(item.map_or(PutResult::Vanished, PutResult::Taken))
            }
            _ => Err(failed(SERVICE, "PutItem")(error).into()),
        }
    }

    /// Takes a claim over, if it has not changed since it was read. The condition includes the status, because the
    /// previous owner may have decided in the meantime.
    async fn take_over(
        &self,
        key: &str,
        owner: &str,
        seen: &StoredClaim,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, EngineError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(items::key(&items::claim_pk(key), CLAIM)))
            .update_expression("SET #owner = :owner, lease_until = :until, expires_at = :expires")
            .condition_expression("#owner = :seen AND lease_until = :seen_lease AND #status = :seen_status")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":owner", items::text(owner))
            .expression_attribute_values(":until", items::number(until.as_millisecond()))
            .expression_attribute_values(":expires", items::expiry(now, CLAIM_DAYS))
            .expression_attribute_values(":seen", items::text(&seen.owner))
            .expression_attribute_values(":seen_lease", items::number(seen.lease_until))
            .expression_attribute_values(":seen_status", items::text(&seen.status))
            .send()
            .await;
        match answer.map_err(failed(SERVICE, "UpdateItem")) {
            Ok(_) => Ok(true),
            Err(failure) if failure.is("ConditionalCheckFailedException") => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Returns the result of a claim that is done. The record may have expired before its claim.
    async fn done(&self, decision: Option<DecisionKey>) -> Result<Claim, EngineError> {
        let Some(key) = decision else { return Ok(Claim::Done { decision: String::new(), record: None }) };
        let what = format!("decision {}", key.id);
        let item = self.get(&key.pk, &key.sk).await?;
        let record = item.map(|item| super::decisions::read(&item, &what)).transpose()?;
        Ok(Claim::Done { decision: key.id, record: record.map(Box::new) })
    }

    /// Records the outcomes of a plan's steps, if the claim still has this owner and this decision.
    pub(super) async fn write_progress(
        &self,
        key: &str,
        owner: &str,
        decision: &str,
        outcomes: &[ActionOutcome],
    ) -> Result<bool, EngineError> {
        let outcomes = serde_json::to_string(outcomes).map_err(|error| items::damaged("outcomes", error))?;
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(items::key(&items::claim_pk(key), CLAIM)))
            .update_expression("SET outcomes = :outcomes")
            .condition_expression("#owner = :owner AND decision_id = :id AND #status = :decided")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":owner", items::text(owner))
            .expression_attribute_values(":id", items::text(decision))
            .expression_attribute_values(":decided", items::text(DECIDED))
            .expression_attribute_values(":outcomes", items::text(&outcomes))
            .send()
            .await;
        match answer.map_err(failed(SERVICE, "UpdateItem")) {
            Ok(_) => Ok(true),
            Err(failure) if failure.is("ConditionalCheckFailedException") => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn decided(&self, key: &DecisionKey) -> Result<DecisionRecord, EngineError> {
        let what = format!("decision {}", key.id);
        match self.get(&key.pk, &key.sk).await? {
            Some(item) => super::decisions::read(&item, &what),
            None => Err(items::damaged(&what, "its claim refers to it, but it does not exist")),
        }
    }

    pub(super) async fn give_back(&self, key: &str, owner: &str) -> Result<(), EngineError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(items::key(&items::claim_pk(key), CLAIM)))
            .update_expression("SET lease_until = :now")
            .condition_expression("#owner = :owner AND #status <> :done")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":now", items::number(0))
            .expression_attribute_values(":owner", items::text(owner))
            .expression_attribute_values(":done", items::text(DONE))
            .send()
            .await;
        match answer.map_err(failed(SERVICE, "UpdateItem")) {
            Ok(_) => Ok(()),
            // The claim has another owner or is done, so there is nothing to release.
            Err(failure) if failure.is("ConditionalCheckFailedException") => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }
}

/// Whether the item of a claim says that its event was not processed completely.
pub(super) fn is_open(key: &str, item: Option<&Item>) -> Result<bool, EngineError> {
    match item {
        Some(item) => Ok(StoredClaim::read(item, key)?.status != DONE),
        None => Ok(false),
    }
}

impl StoredClaim {
    fn read(item: &Item, key: &str) -> Result<Self, EngineError> {
        let what = format!("claim {key}");
        let decision = match item.get("decision_id") {
            Some(_) => Some(DecisionKey {
                pk: items::read_text(item, "decision_pk", &what)?.to_owned(),
                sk: items::read_text(item, "decision_sk", &what)?.to_owned(),
                id: items::read_text(item, "decision_id", &what)?.to_owned(),
            }),
            None => None,
        };
        Ok(Self {
            owner: items::read_text(item, "owner", &what)?.to_owned(),
            lease_until: items::read_number(item, "lease_until", &what)?,
            status: items::read_text(item, "status", &what)?.to_owned(),
            decision,
            outcomes: match item.get("outcomes") {
                Some(_) => serde_json::from_str(items::read_text(item, "outcomes", &what)?)
                    .map_err(|error| items::damaged(&what, error))?,
                None => Vec::new(),
            },
        })
    }
}
