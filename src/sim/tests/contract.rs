//! The contract of providers, over both ways to the simulated models: in this process, and through the
//! OpenAI protocol over real connections.

use super::http::Running;
use super::{TICKETS, baseline_prompt, messages, spec_of, world_of};
use crate::provider::contract::{self, Subject};
use crate::provider::http::HttpProvider;
use crate::provider::openai::OpenAi;
use crate::provider::{Llm, Request};
use crate::sim::server::Options;
use crate::sim::{SimLlm, clerk};
use crate::task::model::{ModelName, Provider};
use secrecy::SecretString;
use std::sync::Arc;

const KEY: &str = "sk-sentinel-0123456789";

/// Requests of two kinds, with what the simulated world says to them.
fn subject(llm: &dyn Llm) -> Subject<'_> {
    let world = world_of(TICKETS, 1);
    let request = |row: usize, temperature: f64| Request {
        model: ModelName::parse("sim/clerk").unwrap(),
        messages: messages(&baseline_prompt(TICKETS), &spec_of(TICKETS, 1).rows[row].user_text),
        temperature,
        max_output_tokens: 512,
        draw: 0,
        stable_bytes: 0,
        form: Arc::default(),
        row: None,
    };
    let asked = (0..40)
        .map(|row| {
            let request = request(row, 0.0);
            let said = clerk::say(&world, &request.messages, request.temperature, request.draw);
            (request, said.text)
        })
        .collect();
    Subject { llm, asked, drawn: request(0, 1.0), key: KEY }
}

#[tokio::test]
async fn the_simulated_models_keep_the_contract() {
    let llm = SimLlm::new(world_of(TICKETS, 1));
    contract::check(&subject(&llm)).await;
}

#[tokio::test]
async fn the_openai_protocol_keeps_the_contract() {
    let options = Options { key: Some(KEY.to_owned().into()), ..Options::default() };
    let running = Running::start(options).await;
    let provider = Provider {
        base_url: Some(format!("http://{}/v1", running.address)),
        ..Provider::built_in("openai").unwrap()
    };
    let key = Some(SecretString::from(KEY));
    let llm = HttpProvider::<OpenAi>::new("local", &provider, key).unwrap();
    contract::check(&subject(&llm)).await;
    drop(llm);
    running.stop().await;
}
