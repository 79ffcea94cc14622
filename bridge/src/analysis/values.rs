//! `analysis.*` and `qc.*`: what models made of a call, as templates find it.

use serde_json::{Map, Value, json};

use crate::store::calls::Call;
use crate::store::calls::analysis::{Proof, ProofStatus, Question};

/// What the model gave, and over it what is the rules' word, never the model's: `disposition`, `reached`, `status`, `outcomes`.
pub fn analysis(call: &Call) -> Map<String, Value> {
    let part = call.analysis.as_ref().and_then(|found| found.part(Question::Analysis));
    let mut values = part.and_then(|part| part.output.clone()).unwrap_or_default();
    if let Some(part) = part {
        values.insert("status".into(), json!(part.status));
    }
    if let Some(verdict) = &call.verdict {
        values.insert("disposition".into(), verdict.disposition.clone().into());
        values.insert("reached".into(), if verdict.reached { "yes" } else { "no" }.into());
    }
    let Some(found) = &call.analysis else { return values };
    let outcomes: Map<String, Value> =
        found.outcomes.iter().map(|proof| (proof.name.clone(), outcome(proof))).collect();
    values.insert("outcomes".into(), outcomes.into());
    values
}

/// What the quality check gave.
pub fn qc(call: &Call) -> Map<String, Value> {
    let part = call.analysis.as_ref().and_then(|found| found.part(Question::Qc));
    let Some(part) = part else { return Map::new() };
    let mut values = Map::from_iter([("status".to_owned(), json!(part.status))]);
    values.extend(part.output.clone().unwrap_or_default());
    values
}

/// Its status, and of its fields those that are proven.
fn outcome(proof: &Proof) -> Value {
    let mut values = Map::from_iter([("status".to_owned(), json!(proof.status))]);
    let is_proven = proof.status == ProofStatus::Proven;
    let proven = proof.fields.iter().filter(|field| is_proven && field.status == ProofStatus::Proven);
    values.extend(proven.filter_map(|field| Some((field.name.clone(), field.value.clone()?.into()))));
    values.into()
}
