//! The report as a self-contained page without scripts, fonts or requests.
//!
//! The template escapes its input. Only the style, which is a constant, and the plots, which escape
//! their own texts, are inserted unescaped.

use super::Report;
use super::findings::Findings;
use super::plot::{Plot, quality_against_cost, score_against_spend};
use crate::text::{plural, thousands};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, HtmlEscape, UndefinedBehavior, Value};
use serde::Serialize;

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/style.css");

/// The input of the template.
#[derive(Serialize)]
struct Page {
    style: &'static str,
    findings: Findings,
    spend_plot: Option<Plot>,
    cost_plot: Option<Plot>,
}

/// The report as a self-contained page.
#[must_use]
pub fn html(report: &Report<'_>) -> String {
    let page = Page {
        style: STYLE,
        findings: Findings::of(report),
        spend_plot: score_against_spend(report),
        cost_plot: quality_against_cost(report),
    };
    // The template is part of the program and tested. If it fails all the same, the page shows the
    // error.
    render(&page).unwrap_or_else(|error| {
        let text = format!("the page's template is broken: {error:#}");
        format!("<!doctype html><title>promptsearch</title><p>{}", text.replace('<', "&lt;"))
    })
}

fn render(page: &Page) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_filter("plural", |count: usize, noun: &str| plural(count, noun));
    environment.add_filter("thousands", |number: u64| thousands(number));
    environment.add_filter("range_below", range_below);
    environment.add_filter("breaks", breaks);
    environment.add_template("page", PAGE)?;
    environment.get_template("page")?.render(Serde(page))
}

/// Puts a figure's interval on a line of its own.
fn range_below(figure: &str) -> Value {
    let escaped = |text: &str| HtmlEscape(text).to_string();
    Value::from_safe_string(match figure.split_once(" (") {
        Some((mean, interval)) => {
            format!("{}<span class=\"range\">({}</span>", escaped(mean), escaped(interval))
        }
        None => escaped(figure),
    })
}

/// Changed text; if it is only white space, line ends are made visible.
fn breaks(text: &str) -> Value {
    let escaped = HtmlEscape(text).to_string();
    Value::from_safe_string(if text.chars().all(char::is_whitespace) {
        escaped.replace('\n', "<span class=\"break\" aria-hidden=\"true\">↵</span>\n")
    } else {
        escaped
    })
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
        const EMPTY: [&str; 11] = [
            "!doctype", "meta", "link", "circle", "line", "rect", "polyline", "polygon", "path",
            "br", "img",
        ];
        let mut open: Vec<&str> = Vec::new();
        let mut rest = page;
        while let Some(at) = rest.find('<') {
            rest = &rest[at + 1..];
            let (tag, after) = rest.split_once('>').unwrap();
            assert!(!tag.contains('<'), "<{tag}>");
            let name = tag.split([' ', '\n']).next().unwrap();
            if let Some(closed) = name.strip_prefix('/') {
                assert_eq!(open.pop(), Some(closed), "before {after:.80}");
            } else if !EMPTY.contains(&name) {
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
            let page = html(&run(kind).report());
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
            let page = html(&run(kind).report());
            assert!(page.len() < 500_000, "{name}: {} bytes", page.len());
            std::fs::write(folder.join(format!("report-{name}.html")), page).unwrap();
        }
    }

    #[test]
    fn the_figures_of_the_summary_are_on_the_page() {
        let example = run(Kind::Confirmed);
        let page = html(&example.report());
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
        assert_eq!(page.matches("class=\"plot ").count(), 4);
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
        let page = html(&example.report());
        check_nesting(&page);
        assert!(!page.contains("<img") && !page.contains("</script>"));
        assert!(!page.contains('\u{1b}'));
        assert!(page.contains("&lt;img"));
    }

    #[test]
    fn held_out_rows_are_not_named() {
        let example = run(Kind::Confirmed);
        let page = html(&example.report());
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
