//! What services say that a call used, and what that costs: counted by hand, in nano-dollars.
//!
//! A price of one dollar per million tokens is 1,000 nano-dollars per token.

use super::anthropic::Anthropic;
use super::batch_results::tests::http;
use super::gemini::Gemini;
use super::openai::OpenAi;
use super::protocol::Protocol;
use super::responses::OpenAiResponses;
use super::target::Target;
use crate::task::model::{Provider, ProviderKind, Usage};
use serde_json::{Value, json};

/// Service, model, the usage of its answer, and what it costs.
const BILLS: &[(&str, &str, &str, u64)] = &[
    // OpenAI, chat completions: the prompt includes what was cached, the completion includes reasoning.
    (
        "openai",
        "gpt-4o",
        r#"{"prompt_tokens":2006,"completion_tokens":300,"total_tokens":2306,"prompt_tokens_details":{"cached_tokens":1920,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#,
        86 * 2_500 + 1_920 * 1_250 + 300 * 10_000,
    ),
    (
        "openai",
        "gpt-4o",
        r#"{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}"#,
        19 * 2_500 + 10 * 10_000,
    ),
    (
        "openai",
        "gpt-4o-2024-05-13",
        r#"{"prompt_tokens":1000,"completion_tokens":10,"total_tokens":1010}"#,
        1_000 * 5_000 + 10 * 15_000,
    ),
    (
        "openai",
        "gpt-4o-2024-08-06",
        r#"{"prompt_tokens":1000,"completion_tokens":10,"total_tokens":1010}"#,
        1_000 * 2_500 + 10 * 10_000,
    ),
    (
        "openai",
        "gpt-4o-mini",
        r#"{"prompt_tokens":1117,"completion_tokens":46,"total_tokens":1163,"prompt_tokens_details":{"cached_tokens":1024}}"#,
        93 * 150 + 1_024 * 75 + 46 * 600,
    ),
    (
        "openai",
        "gpt-4o-mini-2024-07-18",
        r#"{"prompt_tokens":7,"completion_tokens":1,"total_tokens":8}"#,
        7 * 150 + 600,
    ),
    (
        "openai",
        "gpt-4.1",
        r#"{"prompt_tokens":5000,"completion_tokens":120,"total_tokens":5120,"prompt_tokens_details":{"cached_tokens":4864}}"#,
        136 * 2_000 + 4_864 * 500 + 120 * 8_000,
    ),
    (
        "openai",
        "gpt-4.1-nano",
        r#"{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}"#,
        100 + 400,
    ),
    (
        "openai",
        "gpt-4.1-nano",
        r#"{"prompt_tokens":1025,"completion_tokens":3,"total_tokens":1028,"prompt_tokens_details":{"cached_tokens":1024}}"#,
        100 + 1_024 * 25 + 3 * 400,
    ),
    (
        "openai",
        "gpt-5",
        r#"{"prompt_tokens":81,"completion_tokens":1035,"total_tokens":1116,"completion_tokens_details":{"reasoning_tokens":832}}"#,
        81 * 1_250 + 1_035 * 10_000,
    ),
    (
        "openai",
        "o3",
        r#"{"prompt_tokens":44,"completion_tokens":512,"total_tokens":556,"completion_tokens_details":{"reasoning_tokens":512}}"#,
        44 * 2_000 + 512 * 8_000,
    ),
    (
        "openai",
        "o4-mini",
        r#"{"prompt_tokens":75,"completion_tokens":1186,"total_tokens":1261,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":1024}}"#,
        75 * 1_100 + 1_186 * 4_400,
    ),
    (
        "openai",
        "gpt-5.4",
        r#"{"prompt_tokens":272000,"completion_tokens":100,"total_tokens":272100}"#,
        272_000 * 2_500 + 100 * 15_000,
    ),
    (
        "openai",
        "gpt-5.4",
        r#"{"prompt_tokens":272001,"completion_tokens":100,"total_tokens":272101,"prompt_tokens_details":{"cached_tokens":72001}}"#,
        200_000 * 5_000 + 72_001 * 500 + 100 * 22_500,
    ),
    // Written to the cache at a price of its own.
    (
        "openai",
        "gpt-6.1-terra",
        r#"{"prompt_tokens":3000,"completion_tokens":50,"total_tokens":3050,"prompt_tokens_details":{"cached_tokens":0,"cache_write_tokens":2048}}"#,
        952 * 1_000 + 2_048 * 1_250 + 50 * 5_000,
    ),
    (
        "openai",
        "gpt-6.1-terra",
        r#"{"prompt_tokens":3000,"completion_tokens":50,"total_tokens":3050,"prompt_tokens_details":{"cached_tokens":2048,"cache_write_tokens":0}}"#,
        952 * 1_000 + 2_048 * 50 + 50 * 5_000,
    ),
    (
        "openai",
        "ft:gpt-4o-mini-2024-07-18:acme::A1b2",
        r#"{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110}"#,
        100 * 300 + 10 * 1_200,
    ),
    // OpenAI, responses.
    (
        "openai-responses",
        "gpt-4.1",
        r#"{"input_tokens":36,"input_tokens_details":{"cached_tokens":0},"output_tokens":87,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":123}"#,
        36 * 2_000 + 87 * 8_000,
    ),
    (
        "openai-responses",
        "gpt-5",
        r#"{"input_tokens":1500,"input_tokens_details":{"cached_tokens":1280},"output_tokens":1035,"output_tokens_details":{"reasoning_tokens":832},"total_tokens":2535}"#,
        220 * 1_250 + 1_280 * 125 + 1_035 * 10_000,
    ),
    (
        "openai-responses",
        "gpt-5-pro",
        r#"{"input_tokens":10,"output_tokens":20,"output_tokens_details":{"reasoning_tokens":15},"total_tokens":30}"#,
        10 * 15_000 + 20 * 120_000,
    ),
    (
        "openai-responses",
        "gpt-6.1-terra",
        r#"{"input_tokens":300000,"input_tokens_details":{"cached_tokens":100000,"cache_write_tokens":50000},"output_tokens":10,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":300010}"#,
        150_000 * 2_000 + 100_000 * 100 + 50_000 * 2_500 + 10 * 7_500,
    ),
    // Anthropic: the input excludes what was read from the cache and written to it.
    (
        "anthropic",
        "claude-haiku-4-5",
        r#"{"input_tokens":2095,"output_tokens":503}"#,
        2_095 * 1_000 + 503 * 5_000,
    ),
    (
        "anthropic",
        "claude-haiku-4-5-20251001",
        r#"{"input_tokens":21,"cache_creation_input_tokens":188086,"cache_read_input_tokens":0,"output_tokens":393}"#,
        21 * 1_000 + 188_086 * 1_250 + 393 * 5_000,
    ),
    (
        "anthropic",
        "claude-haiku-4-5",
        r#"{"input_tokens":21,"cache_creation_input_tokens":0,"cache_read_input_tokens":188086,"output_tokens":393,"service_tier":"standard"}"#,
        21 * 1_000 + 188_086 * 100 + 393 * 5_000,
    ),
    (
        "anthropic",
        "claude-sonnet-4-5",
        r#"{"input_tokens":50,"cache_creation_input_tokens":248,"cache_read_input_tokens":1800,"cache_creation":{"ephemeral_5m_input_tokens":248,"ephemeral_1h_input_tokens":0},"output_tokens":503}"#,
        50 * 3_000 + 248 * 3_750 + 1_800 * 300 + 503 * 15_000,
    ),
    (
        "anthropic",
        "claude-opus-4-5",
        r#"{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":5000,"output_tokens":1}"#,
        5_000 * 500 + 25_000,
    ),
    (
        "anthropic",
        "claude-opus-5",
        r#"{"input_tokens":12,"cache_creation_input_tokens":null,"cache_read_input_tokens":null,"output_tokens":900,"output_tokens_details":{"thinking_tokens":700}}"#,
        12 * 5_000 + 900 * 25_000,
    ),
    (
        "anthropic",
        "claude-haiku-5-5",
        r#"{"input_tokens":100000,"output_tokens":10}"#,
        100_000 * 100 + 10 * 500,
    ),
    (
        "anthropic",
        "claude-haiku-5-5",
        r#"{"input_tokens":1,"cache_creation_input_tokens":50000,"cache_read_input_tokens":50000,"output_tokens":10}"#,
        500 + 50_000 * 625 + 50_000 * 50 + 10 * 2_500,
    ),
    // Gemini: the candidates leave thoughts out, the prompt includes what was cached.
    (
        "gemini",
        "gemini-2.5-flash",
        r#"{"promptTokenCount":25,"candidatesTokenCount":73,"totalTokenCount":98,"promptTokensDetails":[{"modality":"TEXT","tokenCount":25}]}"#,
        25 * 300 + 73 * 2_500,
    ),
    (
        "gemini",
        "gemini-2.5-flash",
        r#"{"promptTokenCount":25,"candidatesTokenCount":73,"totalTokenCount":1298,"thoughtsTokenCount":1200}"#,
        25 * 300 + 1_273 * 2_500,
    ),
    (
        "gemini",
        "gemini-2.5-flash",
        r#"{"promptTokenCount":4096,"cachedContentTokenCount":4000,"candidatesTokenCount":5,"thoughtsTokenCount":20,"totalTokenCount":4121}"#,
        96 * 300 + 4_000 * 30 + 25 * 2_500,
    ),
    ("gemini", "gemini-2.5-flash", r#"{"promptTokenCount":12,"totalTokenCount":12}"#, 12 * 300),
    // A total that already has the thoughts in its candidates.
    (
        "gemini",
        "gemini-2.5-flash",
        r#"{"promptTokenCount":10,"candidatesTokenCount":50,"thoughtsTokenCount":40,"totalTokenCount":60}"#,
        10 * 300 + 50 * 2_500,
    ),
    (
        "gemini",
        "gemini-2.5-pro",
        r#"{"promptTokenCount":200000,"candidatesTokenCount":10,"thoughtsTokenCount":90,"totalTokenCount":200100}"#,
        200_000 * 1_250 + 100 * 10_000,
    ),
    (
        "gemini",
        "gemini-2.5-pro",
        r#"{"promptTokenCount":200001,"cachedContentTokenCount":1,"candidatesTokenCount":10,"thoughtsTokenCount":90,"totalTokenCount":200101}"#,
        200_000 * 2_500 + 250 + 100 * 15_000,
    ),
    (
        "gemini",
        "gemini-2.5-pro",
        r#"{"promptTokenCount":100,"toolUsePromptTokenCount":50,"candidatesTokenCount":10,"totalTokenCount":160}"#,
        150 * 1_250 + 10 * 10_000,
    ),
    // DeepSeek counts hits and misses.
    (
        "deepseek",
        "deepseek-chat",
        r#"{"prompt_tokens":500,"completion_tokens":8,"total_tokens":508,"prompt_cache_hit_tokens":448,"prompt_cache_miss_tokens":52}"#,
        52 * 280 + 448 * 28 + 8 * 420,
    ),
    (
        "deepseek",
        "deepseek-reasoner",
        r#"{"prompt_tokens":16,"completion_tokens":300,"total_tokens":316,"completion_tokens_details":{"reasoning_tokens":250},"prompt_cache_hit_tokens":0,"prompt_cache_miss_tokens":16}"#,
        16 * 280 + 300 * 420,
    ),
    // xAI leaves reasoning out of the completion; it is in the total, and billed.
    (
        "xai",
        "grok-4.5",
        r#"{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135,"prompt_tokens_details":{"text_tokens":32,"cached_tokens":6},"completion_tokens_details":{"reasoning_tokens":94}}"#,
        26 * 2_000 + 6 * 300 + 103 * 6_000,
    ),
    (
        "xai",
        "grok-code-fast-1",
        r#"{"prompt_tokens":200,"completion_tokens":10,"total_tokens":210,"completion_tokens_details":{"reasoning_tokens":0}}"#,
        200 * 1_000 + 10 * 2_000,
    ),
    // Mistral and Groq.
    (
        "mistral",
        "mistral-large-latest",
        r#"{"prompt_tokens":16,"total_tokens":50,"completion_tokens":34}"#,
        16 * 500 + 34 * 1_500,
    ),
    (
        "groq",
        "openai/gpt-oss-20b",
        r#"{"queue_time":0.03,"prompt_tokens":19.0,"prompt_time":0.0005,"completion_tokens":5.0,"total_tokens":24,"prompt_tokens_details":{"cached_tokens":1}}"#,
        18 * 75 + 38 + 5 * 300,
    ),
    (
        "groq",
        "openai/gpt-oss-120b",
        r#"{"prompt_tokens":80,"completion_tokens":40,"total_tokens":120,"completion_tokens_details":{"reasoning_tokens":30}}"#,
        80 * 150 + 40 * 600,
    ),
];

/// A body with this usage, under the key of its protocol.
fn with_usage(kind: ProviderKind, usage: &Value, mut body: Value) -> Value {
    let key = if kind == ProviderKind::Gemini { "usageMetadata" } else { "usage" };
    body[key] = usage.clone();
    body
}

/// An answer with this usage.
fn answer(kind: ProviderKind, usage: &Value) -> Value {
    match kind {
        ProviderKind::Openai | ProviderKind::Sim => {
            json!({"choices": [{"message": {"content": "a"},
            "finish_reason": "stop"}], "usage": usage})
        }
        ProviderKind::OpenaiResponses => json!({"status": "completed", "usage": usage,
            "output": [{"type": "message", "content": [{"type": "output_text", "text": "a"}]}]}),
        ProviderKind::Anthropic => json!({"content": [{"type": "text", "text": "a"}],
            "stop_reason": "end_turn", "usage": usage}),
        ProviderKind::Gemini => json!({"candidates": [{"content": {"parts": [{"text": "a"}]},
            "finishReason": "STOP"}], "usageMetadata": usage}),
        ProviderKind::Exec | ProviderKind::Http => json!({"answer": "a", "usage": usage}),
    }
}

/// What a service says that an attempt used without an answer.
fn used(kind: ProviderKind, status: u16, body: &Value) -> Option<Usage> {
    let body = body.to_string().into_bytes();
    let error = match kind {
        ProviderKind::Openai | ProviderKind::Sim => http::<OpenAi>().read(status, &body),
        ProviderKind::OpenaiResponses => http::<OpenAiResponses>().read(status, &body),
        ProviderKind::Anthropic => http::<Anthropic>().read(status, &body),
        ProviderKind::Gemini => http::<Gemini>().read(status, &body),
        ProviderKind::Exec | ProviderKind::Http => http::<Target>().read(status, &body),
    };
    error.unwrap_err().usage
}

#[test]
fn what_is_no_answer_is_billed_as_it_counts() {
    for (service, model, usage, nanos) in BILLS {
        let provider = Provider::built_in(service).unwrap();
        let (kind, (price, _)) = (provider.kind.unwrap(), provider.price_of(model).unwrap());
        let usage: Value = serde_json::from_str(usage).unwrap();
        let error = json!({"message": "The model failed.", "code": 500});
        let counted = |body| with_usage(kind, &usage, body);
        for (status, body) in [
            (500, counted(json!({"error": error}))),
            (502, json!({"error": counted(error.clone())})),
            (400, json!([counted(json!({"error": error}))])),
            (200, counted(json!({"error": error}))),
            (200, counted(json!({"another": "protocol"}))),
            (
                200,
                counted(json!({"choices": [{"error": error}], "output": [], "content": [],
                "status": "completed", "candidates": [{}]})),
            ),
            (
                200,
                counted(json!({"choices": [{"message": {"content": "half"},
                "finish_reason": "error"}], "output": [], "status": "cancelled", "content": [],
                "candidates": [{}]})),
            ),
        ] {
            let billed = used(kind, status, &body).map(|usage| price.of(usage).nanos());
            assert_eq!(billed, Some(*nanos), "{service}/{model}: {status} {body}");
        }
        assert_eq!(used(kind, 500, &json!({"error": error})), None);
    }
}

#[test]
fn every_service_is_billed_as_it_counts() {
    let bills = BILLS.iter().filter(|bill| bill.3 > 0);
    assert!(bills.clone().count() >= 40);
    for (service, model, usage, nanos) in bills {
        let provider = Provider::built_in(service).unwrap();
        let kind = provider.kind.unwrap();
        let usage: Value = serde_json::from_str(usage).unwrap();
        let body = answer(kind, &usage).to_string();
        let reply = match kind {
            ProviderKind::Openai | ProviderKind::Sim => OpenAi.reply(body.as_bytes()),
            ProviderKind::OpenaiResponses => OpenAiResponses.reply(body.as_bytes()),
            ProviderKind::Anthropic => Anthropic.reply(body.as_bytes()),
            ProviderKind::Gemini => Gemini.reply(body.as_bytes()),
            ProviderKind::Exec | ProviderKind::Http => Target.reply(body.as_bytes()),
        };
        let counted = reply.unwrap().usage.expect("it counts");
        let (price, _) = provider.price_of(model).unwrap_or_else(|| panic!("{service}/{model}"));
        assert_eq!(price.of(counted).nanos(), *nanos, "{service}/{model}: {usage}");
        // What is set aside covers it.
        assert!(price.worst(counted.prompt(), counted.answer()) >= price.of(counted), "{usage}");
    }
}
