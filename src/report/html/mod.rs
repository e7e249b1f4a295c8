//! The pages about a run: sections that `view` serves one by one, and that the report holds all together in one file
//! without scripts, fonts or requests.
//!
//! Each section is a file here, with a template of the same name. Templates escape their input. Only the style, which is a
//! constant, the drawings, which escape their own texts, and sections that were rendered here are inserted unescaped.

mod templates; // Rendering, and how values are written.
mod overview;
mod candidates;
mod candidate; // One of them.
mod map; // Prompts × rows.
mod rows;
mod edge;
mod judge;
mod spending;
mod lineage;
mod about; // Where the figures come from.
mod request; // What was sent.
mod control;
mod runs; // Several runs.

pub use about::about;
pub use candidate::candidate;
pub use candidates::candidates;
pub use control::{Control, control};
pub use edge::edge;
pub use judge::judge;
pub use lineage::lineage;
pub use map::{MapWindow, map};
pub use overview::overview;
pub use request::{SentRequest, request};
pub use rows::{RowsPage, rows};
pub use runs::{compared, run_table};
pub use spending::spending;
pub use templates::{Link, Pages, Place, STYLE, Section, Shell, message, page, path};

use super::Report;
use crate::journal::Events;
use crate::run::LoadedRun;
use std::collections::BTreeSet;

/// The report as a self-contained page. Without `events` it has no answers.
#[must_use]
pub fn html(report: &Report<'_>, events: Option<Events<'_>>) -> String {
    let handle = report.handle();
    let listed: BTreeSet<String> = candidates::listed(report);
    let place = Place::file(report.score_form(), handle, listed);
    let is_search = report.summary.strategy.split_once(':').is_none();
    let mut sections = vec![overview(report, &place)];
    if is_search {
        sections.push(candidates(report, &place, None));
        sections.push(lineage(report, &place));
        sections.push(map(report, &place, MapWindow::default()));
    }
    sections.push(rows(report, events, &place, None));
    if is_search {
        sections.push(edge(report, events, &place));
    }
    if report.summary.judge.is_some() {
        sections.push(judge(report, &place));
    }
    sections.push(spending(report, &place));
    sections.push(about(report, &place));
    page(&place, Shell::of_report(report, sections))
}

/// The report of a run that was read from its files, with or without anything of its rows.
#[must_use]
pub fn html_of_run(run: &LoadedRun, shows_rows: bool) -> String {
    let events = run.dir.events();
    let report = Report { shows_rows, ..Report::from(run) };
    html(&report, events.exists().then(|| Events::from(&events)))
}

#[cfg(test)]
mod tests {
    use super::super::example::{Kind, run, run_of, ticket_routing};
    use super::*;
    use crate::id::ExampleId;
    use crate::text::percent;

    const ALL: [(Kind, &str); 7] = [
        (Kind::Confirmed, "confirmed"),
        (Kind::Unproven, "unproven"),
        (Kind::Unasked, "unasked"),
        (Kind::BaselineWon, "baseline-won"),
        (Kind::Interrupted, "interrupted"),
        (Kind::Free, "free"),
        (Kind::New, "new"),
    ];

    const HOSTILE: &str = "</script></style></div><img src=x onerror=alert(1)>\u{1b}[31m\" ' & `";

    /// Checks a page as strictly as XML: every element is closed by its own name.
    fn check_nesting(page: &str) {
        const EMPTY: [&str; 5] = ["!doctype", "meta", "link", "br", "img"];
        let mut open: Vec<&str> = Vec::new();
        let mut rest = page;
        while let Some(at) = rest.find('<') {
            rest = &rest[at + 1..];
            let (tag, after) = rest.split_once('>').unwrap();
            assert!(!tag.contains('<'), "<{tag}>");
            let name = tag.split([' ', '\n']).next().unwrap();
            if let Some(closed) = name.strip_prefix('/') {
                assert_eq!(open.pop(), Some(closed), "before {after:.80}");
            } else if !EMPTY.contains(&name) && !tag.ends_with('/') {
                open.push(name);
            } else {
                assert_ne!(name, "img");
            }
            assert_eq!(tag.matches('"').count() % 2, 0, "<{tag}>");
            rest = after;
            if name == "style" {
                rest = &rest[rest.find("</style>").unwrap()..];
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }

    #[test]
    fn every_kind_of_run_has_a_self_contained_page() {
        for (kind, name) in ALL {
            let page = html(&run(kind).report(), None);
            check_nesting(&page);
            for loads in ["http:", "https:", "//", "<script", "@import", "url(", "src="] {
                assert!(!page.contains(loads), "{name}: {loads}");
            }
            assert!(page.contains("default-src 'none'"));
            assert!(!page.contains("template is broken"), "{page}");
            for heading in ["Score against spending", "Quality against cost", "Provenance"] {
                assert!(page.contains(heading), "{name}: {heading}");
            }
        }
    }

    /// Writes the pages to `target/tmp` for inspection.
    #[test]
    fn pages_stay_small_and_can_be_looked_at() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tmp");
        std::fs::create_dir_all(&folder).unwrap();
        for (kind, name) in ALL {
            let page = html(&run(kind).report(), None);
            assert!(page.len() < 500_000, "{name}: {} bytes", page.len());
            std::fs::write(folder.join(format!("report-{name}.html")), page).unwrap();
        }
    }

    #[test]
    fn the_figures_of_the_summary_are_on_the_page() {
        let example = run(Kind::Confirmed);
        let page = html(&example.report(), None);
        let (baseline, best) =
            (example.summary.baseline.clone().unwrap(), example.summary.best.clone().unwrap());
        for side in [&baseline, &best] {
            for interval in [side.dev.unwrap(), side.hold.unwrap()] {
                assert!(page.contains(&percent(interval.mean)));
                let range =
                    format!("({:.1} to {:.1})", interval.low * 100.0, interval.high * 100.0);
                assert!(page.contains(&range), "{range}");
            }
            assert!(page.contains(side.candidate.as_str()));
        }
        assert!(page.contains("Simulated models"));
        assert!(page.contains("<ins>") && page.contains("<del>"));
        // Three plots, each wide and narrow.
        assert_eq!(page.matches("class=\"plot ").count(), 6);
    }

    #[test]
    fn nothing_from_outside_is_markup() {
        let mut task = ticket_routing();
        for row in &mut task.splits.dev {
            row.id = ExampleId::new(format!("{HOSTILE}{}", row.id));
        }
        task.about = HOSTILE.to_owned();
        task.name = HOSTILE.to_owned();
        let mut example = run_of(Kind::Confirmed, task, |text| format!("{text}{HOSTILE}"));
        example.summary.run = HOSTILE.to_owned();
        example.summary.strategy = HOSTILE.to_owned();
        example.folder = std::path::PathBuf::from(HOSTILE);
        example.summary.counts.rejected.insert(HOSTILE.to_owned(), 1);
        let page = html(&example.report(), None);
        check_nesting(&page);
        assert!(!page.contains("<img") && !page.contains("</script>"));
        assert!(!page.contains('\u{1b}'));
        assert!(page.contains("&lt;img"));
    }

    #[test]
    fn held_out_rows_are_not_named() {
        let example = run(Kind::Confirmed);
        let page = html(&example.report(), None);
        let ids: Vec<String> = page
            .split("<code>t-")
            .skip(1)
            .map(|rest| format!("t-{}", rest.split('<').next().unwrap()))
            .collect();
        assert!(!ids.is_empty());
        for id in ids {
            let is_dev = example.task.splits.dev.iter().any(|row| row.id.as_str() == id);
            assert!(is_dev, "{id}");
        }
    }
}
