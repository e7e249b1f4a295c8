//! What is asked of a run on its page: the same requests as those of `ctl`.

use super::address::Fields;
use crate::caps::Caps;
use crate::night::Night;
use crate::run::{Request, RunDir};
use crate::units::{Tokens, Usd};

/// Carries out what a form asks for. What came of it in a sentence; the error is that of a refusal.
pub(super) fn carry_out(dir: &RunDir, form: &Fields) -> Result<String, String> {
    let request = asked(form)?;
    if !dir.is_running() {
        return Err("No process works on this run.".to_owned());
    }
    if let Request::Set { caps, .. } = request
        && !caps.is_empty()
        && Night::of_run(dir).map_err(|error| error.to_string())?.is_some()
    {
        let path = dir.path().display();
        return Err(format!(
            "This run is one of a night, which has to give it the room: use `promptsearch ctl {path} set`."
        ));
    }
    if request == Request::Stop {
        dir.ask(request.name(), &request).map_err(|error| error.to_string())?;
        return Ok("It stops: answers in flight are awaited for at most 30 s.".to_owned());
    }
    match dir.ask_and_wait(request.name(), &request) {
        Ok(None) => Ok(match request {
            Request::Pause => {
                "It is paused: it sends nothing more, and takes the answers in flight."
            }
            Request::Continue => "It continues.",
            Request::Set { .. } | Request::Stop => "It is changed.",
        }
        .to_owned()),
        Ok(Some(why)) => Ok(format!("Nothing had to change: {why}.")),
        Err(error) => Err(error.to_string()),
    }
}

fn asked(form: &Fields) -> Result<Request, String> {
    match form.get("action") {
        Some("pause") => Ok(Request::Pause),
        Some("continue") => Ok(Request::Continue),
        Some("stop") => Ok(Request::Stop),
        Some("set") => set(form),
        _ => Err("The form asks for nothing.".to_owned()),
    }
}

fn set(form: &Fields) -> Result<Request, String> {
    let number = |name: &str, least: u64| -> Result<Option<u64>, String> {
        let Some(text) = form.get(name) else { return Ok(None) };
        let digits: String = text.chars().filter(|c| !matches!(c, ',' | ' ' | '_')).collect();
        let number = digits.parse().ok().filter(|number| *number >= least);
        let wrong = || format!("{name}: write a whole number of {least} or more in digits.");
        number.ok_or_else(wrong).map(Some)
    };
    let usd = match form.get("usd") {
        None => None,
        Some(text) => {
            let usd = text.trim().trim_start_matches('$').parse().ok().and_then(Usd::from_dollars);
            let usd = usd.filter(|usd| *usd > Usd::ZERO);
            Some(usd.ok_or("US dollars: write a positive number with a point, such as 2.50.")?)
        }
    };
    let caps = Caps {
        usd,
        calls: number("calls", 1)?,
        tokens: number("tokens", 1)?.map(Tokens),
        proposals: number("proposals", 0)?,
        ..Caps::default()
    };
    let concurrency =
        number("concurrency", 1)?.map(|most| usize::try_from(most).unwrap_or(usize::MAX));
    if caps.is_empty() && concurrency.is_none() {
        return Err("Nothing is to be set: write a number into one of the fields.".to_owned());
    }
    Ok(Request::Set { caps, concurrency })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_asks_what_ctl_asks() {
        let of = |text: &str| asked(&Fields::of(text));
        assert_eq!(of("action=pause"), Ok(Request::Pause));
        let caps = Caps { usd: Usd::from_dollars(2.5), calls: Some(4_000), ..Caps::default() };
        let request = Request::Set { caps, concurrency: Some(8) };
        assert_eq!(of("action=set&usd=%242.50&calls=4%2C000&tokens=&concurrency=8"), Ok(request));
        for wrong in [
            "",
            "action=delete",
            "action=set",
            "action=set&usd=-1",
            "action=set&calls=0",
            "action=set&calls=x",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
