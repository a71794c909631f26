//! The entry of this function in the registry of functions.

use std::sync::Arc;

use tidegate_engine::{FunctionSpec, Scope, round_trip};
use tidegate_events::{
    ApprovalGiven, Body, Contract as _, FreezeLifted, FreezePlaced, HoldPlaced, HoldReleased,
    PromotionForced, RollbackRequested, Scheduled,
};
use tidegate_policy::operate::State;

use crate::{NAME, Operate};

/// The specification of operate.
pub static SPEC: FunctionSpec = FunctionSpec {
    name: NAME,
    scope: Scope::Hub,
    wants: |event| matches!(&event.body, Body::Command(_) | Body::Scheduled(Scheduled::Reconcile)),
    publishes: &[
        ApprovalGiven::DETAIL_TYPE,
        HoldPlaced::DETAIL_TYPE,
        HoldReleased::DETAIL_TYPE,
        RollbackRequested::DETAIL_TYPE,
        PromotionForced::DETAIL_TYPE,
        FreezePlaced::DETAIL_TYPE,
        FreezeLifted::DETAIL_TYPE,
    ],
    build: |ports| Box::new(Operate { registry: Arc::clone(&ports.registry) }),
    check_state: round_trip::<State>,
};
