//! Finds the candidate or proposal that a user names: an id or its beginning, a number, `baseline`,
//! `best` or `winner`, or a proposal's number.

use super::super::Report;
use crate::id::{CandidateIx, ProposalNumber};
use crate::memory::State;
use crate::text;

/// Most candidates that an error message lists.
const LISTED: usize = 8;

/// The names of candidates.
const CANDIDATES: &str = "`baseline`, `best`, a number such as `n7`, or an id or its beginning";
/// The same with those of proposals.
const CANDIDATES_AND_PROPOSALS: &str = "`baseline`, `best`, a number such as `n7`, a proposal such as `p12`, or an id or its beginning";

/// Up to this many digits are a candidate's number; more are the beginning of an id.
const NUMBER_DIGITS: usize = 4;

/// The subject of an explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A candidate.
    Candidate(CandidateIx),
    /// A proposal, by its number.
    Proposal(ProposalNumber),
}

/// The name matches nothing, or several candidates.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unfound {
    message: String,
    /// A hint for the user.
    pub help: Option<String>,
}

/// Finds a candidate where proposals are not meant, and does not offer one.
///
/// # Errors
/// As for [`find`], or the name is that of a proposal.
pub fn find_candidate(report: &Report<'_>, asked: &str) -> Result<CandidateIx, Unfound> {
    match found(report, asked, CANDIDATES)? {
        Subject::Candidate(candidate) => Ok(candidate),
        Subject::Proposal(_) => Err(Unfound {
            message: format!("`{asked}` is a proposal, which was asked no row"),
            help: Some(format!("name a candidate: {CANDIDATES}")),
        }),
    }
}

/// Finds the subject. Ids consist of hex digits, so `n7` and `p12` cannot be the beginning of an
/// id.
///
/// # Errors
/// The name matches nothing, or several candidates.
pub fn find(report: &Report<'_>, asked: &str) -> Result<Subject, Unfound> {
    found(report, asked, CANDIDATES_AND_PROPOSALS)
}

/// `names` are the kinds of names that a hint offers.
fn found(report: &Report<'_>, asked: &str, names: &str) -> Result<Subject, Unfound> {
    let state = &report.history.state;
    let candidates = state.candidates.len();
    if candidates == 0 {
        let message = "nothing has happened in this run yet".to_owned();
        return Err(Unfound { message, help: None });
    }
    match asked {
        "baseline" => return Ok(Subject::Candidate(CandidateIx::BASELINE)),
        "best" | "winner" => {
            let winner = state.winner.map(|(winner, ..)| winner);
            return Ok(Subject::Candidate(winner.unwrap_or(state.incumbent)));
        }
        _ => {}
    }
    // A few digits are a number; the beginning of an id has more.
    if asked.len() <= NUMBER_DIGITS
        && let Ok(number) = asked.parse::<u32>()
        && (number as usize) < candidates
    {
        return Ok(Subject::Candidate(CandidateIx(number)));
    }
    let number = |mark: &[char]| asked.strip_prefix(mark)?.parse::<u32>().ok();
    if let Some(number) = number(&['#', 'n']) {
        if (number as usize) < candidates {
            return Ok(Subject::Candidate(CandidateIx(number)));
        }
        let last = candidates - 1;
        let message = format!("there is no candidate #{number}: numbers go from 0 to {last}");
        return Err(Unfound { message, help: None });
    }
    if let Some(number) = number(&['p']) {
        if ProposalNumber(number) < state.next_proposal {
            return Ok(Subject::Proposal(ProposalNumber(number)));
        }
        let message = match state.next_proposal.0 {
            0 => "this run has no proposals yet".to_owned(),
            next => {
                format!("there is no proposal p{number}: numbers go from p0 to p{}", next - 1)
            }
        };
        return Err(Unfound { message, help: None });
    }
    by_id(state, &asked.to_lowercase(), names)
}

fn by_id(state: &State, asked: &str, names: &str) -> Result<Subject, Unfound> {
    let matching: Vec<CandidateIx> = state
        .numbered()
        .filter(|(_, standing)| standing.candidate.id.as_str().starts_with(asked))
        .map(|(candidate, _)| candidate)
        .collect();
    let ids = || state.candidates.iter().map(|standing| standing.candidate.id.as_str());
    let listed = |of: &[CandidateIx]| -> String {
        let shown: Vec<String> = of
            .iter()
            .take(LISTED)
            .map(|candidate| format!("{} (#{candidate})", state.standing(*candidate).candidate.id))
            .collect();
        let more = of.len().saturating_sub(LISTED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{more}", shown.join(", "))
    };
    match matching.as_slice() {
        _ if asked.is_empty() => Err(Unfound {
            message: "no candidate given".to_owned(),
            help: Some(format!("give {names}")),
        }),
        [one] => Ok(Subject::Candidate(*one)),
        [] => {
            let best: Vec<CandidateIx> = state.incumbents.iter().rev().map(|(ix, _)| *ix).collect();
            let near = text::did_you_mean(asked, ids().chain(["baseline", "best"]));
            Err(Unfound {
                message: format!("this run has no candidate `{asked}`"),
                help: Some(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("give {names}; the incumbents are: {}", listed(&best)),
                }),
            })
        }
        several => Err(Unfound {
            message: format!("`{asked}` matches {} candidates", several.len()),
            help: Some(format!("one of: {}", listed(several))),
        }),
    }
}
