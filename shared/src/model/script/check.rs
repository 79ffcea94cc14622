//! Whether the names a script uses exist, and whether it can get stuck.

use std::collections::BTreeSet;

use super::template::{Part, Template};
use super::{Action, Condition, Script, ScriptError, State, Then};

type Checked = Result<(), ScriptError>;

pub(super) fn references(script: &Script) -> Checked {
    let check = Check { script };
    check.state_exists("script.start", &script.start)?;
    for (name, slot) in &script.slots {
        check.lines(&format!("script.slots.{name}.ask"), &slot.ask)?;
        if name == "ask" {
            return fail(
                "script.slots.ask",
                "{ask} stands for the open question; give the slot another name",
            );
        }
    }
    check.intents()?;
    for (name, state) in &script.states {
        check.state(&format!("script.states.{name}"), state)?;
    }
    check.reprompts("script.reprompts", &script.reprompts)?;
    check.reprompts("script.silence", &script.silence)?;
    check.action("script.give_up", &script.give_up)?;
    check.passed_through()
}

fn fail(path: &str, problem: impl Into<String>) -> Checked {
    Err(ScriptError { path: path.to_owned(), problem: problem.into() })
}

struct Check<'s> {
    script: &'s Script,
}

impl Check<'_> {
    fn state_exists(&self, path: &str, name: &str) -> Checked {
        if self.script.states.contains_key(name) {
            return Ok(());
        }
        fail(
            path,
            format!("there is no state \"{name}\"; add it or use one of {}", keys(self.script.states.keys())),
        )
    }

    fn slot_exists(&self, path: &str, name: &str) -> Checked {
        if self.script.slots.contains_key(name) {
            return Ok(());
        }
        fail(
            path,
            format!("there is no slot \"{name}\"; add it or use one of {}", keys(self.script.slots.keys())),
        )
    }

    fn lines(&self, path: &str, lines: &[Template]) -> Checked {
        if lines.iter().any(|line| line.parts.contains(&Part::Ask)) {
            return fail(
                path,
                "{ask} is for \"reprompts\" and \"silence\"; leave it out, the question follows by itself",
            );
        }
        self.reprompts(path, lines)
    }

    fn reprompts(&self, path: &str, lines: &[Template]) -> Checked {
        lines.iter().flat_map(Template::slots).try_for_each(|slot| self.slot_exists(path, slot))
    }

    fn condition(&self, path: &str, when: &Condition) -> Checked {
        when.iter().try_for_each(|(slot, _)| self.slot_exists(&format!("{path}.when"), slot))
    }

    fn action(&self, path: &str, action: &Action) -> Checked {
        self.lines(&format!("{path}.say"), &action.say)?;
        let slots = action.set.keys().chain(&action.clear);
        slots.into_iter().try_for_each(|slot| self.slot_exists(path, slot))?;
        match &action.then {
            Then::Go(state) => self.state_exists(&format!("{path}.go"), state),
            // No question follows what is said to whoever comes back.
            Then::Transfer(transfer) => self.reprompts(&format!("{path}.failed"), &transfer.failed),
            Then::Ask | Then::Wait | Then::Repeat | Then::EndCall | Then::Voicemail => Ok(()),
        }
    }

    fn intents(&self) -> Checked {
        let mut names = BTreeSet::new();
        for (index, intent) in self.script.intents.iter().enumerate() {
            let path = format!("script.intents[{index}]");
            if !names.insert(&intent.name) {
                return fail(
                    &format!("{path}.name"),
                    format!("\"{}\" is used twice; rename one", intent.name),
                );
            }
            self.condition(&path, &intent.when)?;
            self.action(&path, &intent.action)?;
        }
        Ok(())
    }

    fn state(&self, path: &str, state: &State) -> Checked {
        for (key, lines) in [("say", &state.say), ("ask", &state.ask), ("again", &state.again)] {
            self.lines(&format!("{path}.{key}"), lines)?;
        }
        self.reprompts(&format!("{path}.reprompts"), &state.reprompts)?;
        for slot in state.fill.iter().chain(&state.notice) {
            self.slot_exists(&format!("{path}.fill"), slot)?;
        }
        for (index, rule) in state.on.iter().enumerate() {
            let path = format!("{path}.on[{index}]");
            let mentioned = |slot: &String| state.fill.contains(slot) || state.notice.contains(slot);
            if let Some(slot) = rule.heard.iter().find(|slot| !mentioned(slot)) {
                return fail(
                    &path,
                    format!("\"{slot}\" is never heard here; add it to \"fill\" or \"notice\""),
                );
            }
            self.condition(&path, &rule.when)?;
            self.action(&path, &rule.action)?;
        }
        for (index, route) in state.next.iter().enumerate() {
            let path = format!("{path}.next[{index}]");
            self.condition(&path, &route.when)?;
            self.action(&path, &route.action)?;
            if route.action.then == Then::Repeat {
                return fail(&path, "a route cannot repeat; use \"go\" or \"then\": \"wait\"");
            }
        }
        state.give_up.iter().try_for_each(|action| self.action(&format!("{path}.give_up"), action))?;
        self.intents_exist(path, state)?;
        self.can_go_on(path, state)
    }

    fn intents_exist(&self, path: &str, state: &State) -> Checked {
        let known = |name: &&String| self.script.intents.iter().any(|intent| intent.name == **name);
        match state.intents.iter().flatten().find(|name| !known(name)) {
            Some(name) => fail(&format!("{path}.intents"), format!("there is no intent \"{name}\"; add it")),
            None => Ok(()),
        }
    }

    /// Nobody may be left without a question, an answer or an end.
    fn can_go_on(&self, path: &str, state: &State) -> Checked {
        if state.end_call {
            let idle =
                state.ask.is_empty() && state.fill.is_empty() && state.on.is_empty() && state.next.is_empty();
            if !idle {
                return fail(
                    path,
                    "a state with \"end_call\" only says goodbye; remove ask, fill, on and next",
                );
            }
            return if state.say.is_empty() { fail(path, "add \"say\" with the goodbye") } else { Ok(()) };
        }
        let unasked = |slot: &&String| self.script.slots.get(*slot).is_some_and(|slot| slot.ask.is_empty());
        if let Some(slot) =
            state.fill.iter().find(unasked).filter(|_| state.ask.is_empty() || state.fill.len() > 1)
        {
            return fail(path, format!("nothing asks for \"{slot}\"; add \"ask\" to the slot"));
        }
        let always = state.next.iter().any(|route| route.when.is_empty());
        if !state.fill.is_empty() && !always {
            return fail(
                path,
                "when all slots are filled no way onward is certain; end \"next\" with a route without \"when\"",
            );
        }
        if state.fill.is_empty() && !state.next.is_empty() && (!state.ask.is_empty() || !state.on.is_empty())
        {
            return fail(
                path,
                "\"next\" follows \"fill\"; without it the question would never be heard, use \"on\"",
            );
        }
        if state.fill.is_empty() && state.ask.is_empty() && !always {
            return fail(path, "this state neither asks nor leads on; add \"ask\", \"next\" or \"end_call\"");
        }
        Ok(())
    }

    /// States that only lead on must not lead round in a circle.
    fn passed_through(&self) -> Checked {
        for start in self.script.states.keys() {
            let mut seen = BTreeSet::new();
            let mut open = vec![start];
            while let Some(name) = open.pop() {
                let Some(state) = self.script.states.get(name).filter(|state| state.fill.is_empty()) else {
                    continue;
                };
                for route in &state.next {
                    if let Then::Go(next) = &route.action.then {
                        if next == start {
                            return fail(
                                &format!("script.states.{start}.next"),
                                "this leads back here without a question; break the circle",
                            );
                        }
                        if seen.insert(next) {
                            open.push(next);
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

fn keys<'n>(names: impl Iterator<Item = &'n String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() { "(there are none)".into() } else { names.join(", ") }
}
