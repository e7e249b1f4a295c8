//! Which page of a run an address means, and what stands on it.

use super::address::Fields;
use super::live::Live;
use super::sent;
use crate::event::Event;
use crate::id::ProposalNumber;
use crate::journal::{JournalError, read_events};
use crate::report::explain::{Explainer, Subject, find, find_candidate};
use crate::report::html::{
    self, Control, Link, MapWindow, Place, RowsPage, Section, Shell, message,
};
use crate::report::{Report, RowFilter, claim_line, status_line, visible_line};
use crate::run::{FollowedRun, RunError, RunKind};
use crate::task::example::VisibleSplit;

/// Up to this many events a prompt's page is kept up to date: it reads all of them again.
const MOST_READ_AGAIN: u64 = 50_000;

/// The pages of a run, with their names.
const PAGES: [(&str, &str); 9] = [
    ("overview", "Overview"),
    ("candidates", "Candidates"),
    ("map", "Map"),
    ("rows", "Rows"),
    ("edge", "Edge cases"),
    ("judge", "Judge"),
    ("spending", "Spending"),
    ("lineage", "Lineage"),
    ("about", "About"),
];

/// What an address asks for.
pub(super) struct Asked<'a> {
    /// The page.
    pub(super) page: &'a str,
    /// What is named after it.
    pub(super) what: &'a str,
    /// The query.
    pub(super) fields: Fields,
    /// What a form has to bring along.
    pub(super) key: &'a str,
    /// Whether other runs are shown, too.
    pub(super) has_list: bool,
    /// What came of an action, and whether it was refused.
    pub(super) told: Option<(String, bool)>,
    /// Which version of the run is shown.
    pub(super) version: String,
}

/// What the addresses of a run begin with.
pub(super) fn root(name: &str) -> String {
    format!("/run/{}", html::path(name))
}

/// The page; `None`: there is no such page.
pub(super) fn page(live: &Live, followed: &FollowedRun, asked: &Asked<'_>) -> Option<String> {
    let run = followed.run();
    let report = Report::from(run);
    let place = Place::server(&report, root(&live.dir().name()));
    let events = || Some(followed.events());
    let is_search = run.file.kind == RunKind::Search;
    let sections: Vec<Section> = match asked.page {
        "overview" => {
            let control = Control { caps: run.caps(), key: asked.key, told: asked.told.clone() };
            vec![html::overview(&report, &place), html::control(&report, &place, &control)]
        }
        "candidates" => {
            vec![html::candidates(&report, &place, Some(asked.fields.page("page")))]
        }
        "candidate" => candidate(followed, &report, &place, asked.what),
        "map" => {
            let (prompts, rows) = (asked.fields.page("prompts"), asked.fields.page("rows"));
            vec![html::map(&report, &place, MapWindow { prompts, rows })]
        }
        "rows" => match rows_asked(&report, &asked.fields) {
            Ok(page) => vec![html::rows(&report, events(), &place, Some(&page))],
            Err(why) => vec![message(&place, &why, None, true)],
        },
        "request" => vec![match request(followed, &report, &asked.fields) {
            Ok(sent) => html::request(&place, &sent),
            Err(why) => message(&place, &why, None, true),
        }],
        "edge" if is_search => vec![html::edge(&report, events(), &place)],
        "edge" => vec![message(
            &place,
            "This run is no search, whose prompts and rows are compared here.",
            None,
            false,
        )],
        "judge" => vec![html::judge(&report, &place)],
        "spending" => vec![html::spending(&report, &place)],
        "lineage" => vec![html::lineage(&report, &place)],
        "about" => vec![html::about(&report, &place)],
        _ => return None,
    };
    let name = visible_line(&run.summary.run);
    let is_live = match asked.page {
        "candidate" => run.history.events <= MOST_READ_AGAIN,
        "request" => false,
        _ => true,
    };
    let title = PAGES.iter().find(|(page, _)| *page == asked.page);
    let title = title.map_or_else(|| visible_line(asked.what), |(_, title)| (*title).to_owned());
    let shell = Shell {
        title: format!("{title}: {name}"),
        kind: "view",
        name,
        standing: standing(&report),
        nav: nav(place.root(), asked),
        sections,
        events: is_live.then(|| format!("{}/events", place.root())),
        version: asked.version.clone(),
    };
    Some(html::page(&place, shell))
}

/// How the run stands, in a line.
fn standing(report: &Report<'_>) -> String {
    let summary = report.summary;
    let caps = report.history.state.caps.or(report.run_file.map(|file| file.caps));
    let line = status_line(summary, &caps.unwrap_or_default());
    let waiting = summary.waiting.as_ref();
    let waiting = waiting.map(|it| it.in_words(crate::clock::Clock::System.now()));
    let parts = [Some(summary.status.in_words().to_owned()), waiting, Some(line)];
    let claim = claim_line(report).filter(|_| !summary.status.is_live());
    visible_line(&parts.into_iter().flatten().chain(claim).collect::<Vec<_>>().join(" · "))
}

fn nav(root: &str, asked: &Asked<'_>) -> Vec<Link> {
    let pages = PAGES.iter().map(|(page, title)| Link {
        href: format!("{root}/{page}"),
        title: (*title).to_owned(),
        is_here: *page == asked.page,
    });
    let list = asked.has_list.then(|| Link {
        href: "/".to_owned(),
        title: "All runs".to_owned(),
        is_here: false,
    });
    pages.chain(list).collect()
}

fn candidate(
    followed: &FollowedRun,
    report: &Report<'_>,
    place: &Place,
    name: &str,
) -> Vec<Section> {
    let subject = match find(report, name) {
        Ok(subject) => subject,
        Err(unfound) => {
            return vec![message(place, &unfound.to_string(), unfound.help.as_deref(), true)];
        }
    };
    let run = followed.run();
    let last = run.history.events;
    let mut explainer = Explainer::new(subject, run.task.splits.sizes().dev, run.task.score_form());
    // Events that were written since stand on the next version of the page.
    let read = read_events(followed.events().path(), |number, event: Event| {
        if number.0 < last {
            explainer.apply(number, &event);
        }
        Ok::<_, JournalError>(())
    });
    let number = match subject {
        Subject::Candidate(candidate) => Some(candidate),
        Subject::Proposal(_) => None,
    };
    let found = read.map_err(RunError::from).and_then(|_| match number {
        Some(candidate) => run.flags(candidate),
        None => Ok(Vec::new()),
    });
    match found {
        Ok(flags) => {
            let explained = explainer.explanation(report);
            vec![html::candidate(report, place, number, &explained, &flags)]
        }
        Err(error) => vec![message(place, &error.to_string(), None, true)],
    }
}

fn split_asked(fields: &Fields) -> Option<VisibleSplit> {
    match fields.get("split") {
        Some("train") => Some(VisibleSplit::Train),
        Some("dev") => Some(VisibleSplit::Dev),
        _ => None,
    }
}

fn rows_asked(report: &Report<'_>, fields: &Fields) -> Result<RowsPage, String> {
    let is_evaluation =
        report.run_file.is_some_and(|file| matches!(file.kind, RunKind::Evaluation { .. }));
    let named = fields.get("candidate").unwrap_or("best");
    Ok(RowsPage {
        candidate: find_candidate(report, named).map_err(|unfound| {
            let help = unfound.help.as_ref().map_or_else(String::new, |help| format!(" ({help})"));
            format!("{unfound}{help}")
        })?,
        // An evaluation has the rows that it asked.
        split: split_asked(fields).filter(|_| !is_evaluation),
        filter: RowFilter {
            wrong: fields.get("wrong").is_some(),
            changed: fields.get("changed").is_some(),
            label: fields.get("label").map(str::to_owned),
        },
        by: fields.get("by").map(str::to_owned),
        number: fields.page("page"),
    })
}

fn request(
    followed: &FollowedRun,
    report: &Report<'_>,
    fields: &Fields,
) -> Result<html::SentRequest, String> {
    if let Some(proposal) = fields.get("proposal") {
        let number =
            proposal.parse().map_err(|_| "A proposal is named by its number.".to_owned())?;
        return sent::to_mutator(followed, ProposalNumber(number));
    }
    let named = fields.get("candidate").unwrap_or("best");
    let candidate = find_candidate(report, named).map_err(|unfound| unfound.to_string())?;
    let split = split_asked(fields).unwrap_or(VisibleSplit::Dev);
    sent::to_row(followed, candidate, split, fields.get("row").unwrap_or_default())
}
