//! A body that came with 200: the answer, or what is instead of it.

use crate::provider::answer::{Parts, broken_off, count, first_count, unreadable, value};
use crate::provider::refusal::Refusal;
use crate::provider::{Finish, Reply};
use crate::task::model::Usage;
use serde_json::Value;

/// The reply, or why there is none.
pub(super) fn read(bytes: &[u8]) -> Result<Reply, Refusal> {
    let value = value(bytes)?;
    let choice = &value["choices"][0];
    if !choice["error"].is_null() {
        return Err(Refusal::inside_an_answer(&choice["error"]));
    }
    if !choice.is_object() {
        return Err(unreadable(bytes, "a body without `choices`"));
    }
    let message = &choice["message"];
    // Completions without a chat have a text; a refusal by the model is its answer.
    let places = [&message["content"], &choice["text"], &message["refusal"]];
    let text = places.into_iter().map(text_of).find(|text| !text.is_empty()).unwrap_or_default();
    let usage = usage_of(&value["usage"]);
    let reason = choice["finish_reason"].as_str().unwrap_or_default();
    let finish = match reason.to_ascii_lowercase().as_str() {
        "length" | "max_tokens" | "model_length" => Finish::Length,
        "content_filter" | "safety" | "recitation" | "blocklist" | "prohibited_content"
        | "sensitive" | "refusal" => Finish::Filter,
        // Some servers give no reason when there is nothing special to say.
        "stop" | "eos" | "eos_token" | "stop_sequence" | "end_turn" | "" => Finish::Stop,
        "error" | "abort" | "aborted" | "cancelled" | "insufficient_system_resource" => {
            return Err(broken_off(reason));
        }
        _ => Finish::Other,
    };
    let calls = [&message["tool_calls"], &message["function_call"]];
    let calls = calls.into_iter().filter(|calls| is_something(calls)).map(Value::to_string);
    let (thoughts, reason) = (thoughts(message), reason.to_owned());
    let filter = String::new();
    Parts { text, thoughts, calls: calls.take(1).collect(), finish, reason, filter, usage }.reply()
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Array(list) => !list.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => false,
    }
}

/// The reasoning beside an answer, under the names that servers use.
fn thoughts(message: &Value) -> String {
    let beside = [&message["reasoning_content"], &message["reasoning"], &message["thinking"]];
    let within = message["content"].as_array().into_iter().flatten().filter(|part| {
        matches!(part["type"].as_str(), Some("thinking" | "reasoning" | "redacted_thinking"))
    });
    let within = within.flat_map(|part| [&part["thinking"], &part["text"], &part["reasoning"]]);
    beside.into_iter().chain(within).filter_map(Value::as_str).collect()
}

/// A string, or the text parts of a list.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            // Other parts (`thinking`, images) are not what is answered.
            .filter(|part| matches!(part["type"].as_str(), Some("text" | "output_text") | None))
            .filter_map(|part| part["text"].as_str().or(part.as_str()))
            .collect(),
        Value::Object(part) => part.get("text").and_then(Value::as_str).unwrap_or("").to_owned(),
        _ => String::new(),
    }
}

/// Tokens as the provider counted them; `None` where they cannot be believed.
pub(super) fn usage_of(usage: &Value) -> Option<Usage> {
    let prompt = count(&usage["prompt_tokens"])?;
    let completion = count(&usage["completion_tokens"])?;
    // No prompt is empty: a zero means that the server did not count, not that the call was free.
    if prompt == 0 {
        return None;
    }
    let (of_prompt, of_answer) =
        (&usage["prompt_tokens_details"], &usage["completion_tokens_details"]);
    let cached = first_count(&[
        &of_prompt["cached_tokens"],
        &usage["prompt_cache_hit_tokens"],
        &usage["cached_tokens"],
        &usage["cache_read_input_tokens"],
    ]);
    let written = first_count(&[
        &of_prompt["cache_write_tokens"],
        &of_prompt["cache_creation_tokens"],
        &usage["cache_creation_input_tokens"],
    ]);
    let reasoning = first_count(&[&of_answer["reasoning_tokens"], &usage["reasoning_tokens"]]);
    // xAI and Gemini leave reasoning out of `completion_tokens`; it is in the total, and billed.
    let total = count(&usage["total_tokens"]).unwrap_or(0);
    let whole_prompt = Usage::of_totals(prompt, cached, written, 0, 0).prompt().0;
    let answer = completion.max(total.saturating_sub(whole_prompt));
    Some(Usage::of_totals(prompt, cached, written, answer, reasoning))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Failure;
    use serde_json::json;

    fn counted(prompt: u64, cached: u64, answer: u64) -> Option<Usage> {
        Some(Usage::of_totals(prompt, cached, 0, answer, 0))
    }

    fn reasoned(prompt: u64, cached: u64, answer: u64, reasoning: u64) -> Option<Usage> {
        Some(Usage::of_totals(prompt, cached, 0, answer, reasoning))
    }

    fn read_value(value: &Value) -> Result<Reply, Refusal> {
        read(value.to_string().as_bytes())
    }

    /// An answer with this choice and usage.
    fn answer(content: Value, reason: Value) -> Value {
        json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": content},
            "finish_reason": reason}]})
    }

    #[test]
    fn answers_of_many_servers_are_read() {
        let bodies = [
            // OpenAI
            (
                r#"{"id":"chatcmpl-B9M","object":"chat.completion","created":1741569952,"model":"gpt-4.1-2025-04-14","choices":[{"index":0,"message":{"role":"assistant","content":"billing","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":2006,"completion_tokens":300,"total_tokens":2306,"prompt_tokens_details":{"cached_tokens":1920,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":200,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"service_tier":"default"}"#,
                reasoned(2006, 1920, 300, 200),
            ),
            // vLLM
            (
                r#"{"id":"chatcmpl-4a","object":"chat.completion","created":1,"model":"Qwen/Qwen3-8B","choices":[{"index":0,"message":{"role":"assistant","content":"billing","refusal":null,"function_call":null,"tool_calls":[],"reasoning_content":null},"logprobs":null,"finish_reason":"stop","stop_reason":null}],"service_tier":null,"usage":{"prompt_tokens":40,"total_tokens":43,"completion_tokens":3,"prompt_tokens_details":null},"prompt_logprobs":null,"kv_transfer_params":null}"#,
                counted(40, 0, 3),
            ),
            // llama.cpp
            (
                r#"{"choices":[{"finish_reason":"stop","index":0,"message":{"role":"assistant","content":"billing"}}],"created":1,"model":"gpt-3.5-turbo","system_fingerprint":"b5000-abc","object":"chat.completion","usage":{"completion_tokens":2,"prompt_tokens":17,"total_tokens":19},"id":"chatcmpl-x","timings":{"prompt_n":17,"prompt_ms":34.7}}"#,
                counted(17, 0, 2),
            ),
            // Ollama
            (
                r#"{"id":"chatcmpl-104","object":"chat.completion","created":1,"model":"llama3.2","system_fingerprint":"fp_ollama","choices":[{"index":0,"message":{"role":"assistant","content":"billing"},"finish_reason":"stop"}],"usage":{"prompt_tokens":26,"completion_tokens":5,"total_tokens":31}}
"#,
                counted(26, 0, 5),
            ),
            // DeepSeek
            (
                r#"{"id":"8f","object":"chat.completion","created":1,"model":"deepseek-chat","choices":[{"index":0,"message":{"role":"assistant","content":"billing"},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":500,"completion_tokens":8,"total_tokens":508,"prompt_cache_hit_tokens":448,"prompt_cache_miss_tokens":52}}"#,
                counted(500, 448, 8),
            ),
            // OpenRouter
            (
                r#"{"id":"gen-1","provider":"Together","model":"meta-llama/llama-3.3-70b-instruct","object":"chat.completion","created":1,"choices":[{"logprobs":null,"finish_reason":"stop","native_finish_reason":"eos","index":0,"message":{"role":"assistant","content":"billing","refusal":null,"reasoning":null}}],"usage":{"prompt_tokens":14,"completion_tokens":4,"total_tokens":18,"cost":0.0001,"prompt_tokens_details":{"cached_tokens":10},"completion_tokens_details":{"reasoning_tokens":0}}}"#,
                counted(14, 10, 4),
            ),
            // Moonshot
            (
                r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"billing"},"finish_reason":"stop"}],"usage":{"prompt_tokens":19,"completion_tokens":21,"total_tokens":40,"cached_tokens":19}}"#,
                counted(19, 19, 21),
            ),
            // xAI: reasoning is counted beside the completion.
            (
                r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"billing","reasoning_content":"…","refusal":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135,"prompt_tokens_details":{"text_tokens":32,"cached_tokens":6},"completion_tokens_details":{"reasoning_tokens":94}}}"#,
                reasoned(32, 6, 103, 94),
            ),
            // Groq, with numbers as other numbers
            (
                r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"billing"},"finish_reason":"stop"}],"usage":{"queue_time":0.03,"prompt_tokens":18.0,"prompt_time":0.0005,"completion_tokens":5.0,"total_tokens":23}}"#,
                counted(18, 0, 5),
            ),
            // The server did not count.
            (r#"{"choices":[{"message":{"content":"billing"}}]}"#, None),
            (
                r#"{"error":null,"choices":[{"message":{"content":"billing"},"finish_reason":null,"error":null}],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}"#,
                None,
            ),
            (
                r#"{"choices":[{"message":{"content":"billing"}}],"usage":{"prompt_tokens":-1,"completion_tokens":"many"}}"#,
                None,
            ),
        ];
        for (body, usage) in bodies {
            let reply = read(body.as_bytes()).unwrap();
            assert_eq!(reply.text, "billing", "{body}");
            assert_eq!(reply.finish, Finish::Stop, "{body}");
            assert_eq!(reply.usage, usage, "{body}");
        }
    }

    #[test]
    fn text_stands_in_strings_parts_and_refusals() {
        let parts = json!([{"type": "thinking", "text": "hm"}, {"type": "text", "text": "a"},
            {"type": "image_url"}, "b", {"text": "c"}]);
        assert_eq!(read_value(&answer(parts, json!("stop"))).unwrap().text, "abc");
        let refused = json!({"choices": [{"message": {"content": null, "refusal": "I can't."},
            "finish_reason": "stop"}]});
        assert_eq!(read_value(&refused).unwrap().text, "I can't.");
    }

    #[test]
    fn no_text_needs_a_reason() {
        for (reason, finish) in [("length", Finish::Length), ("content_filter", Finish::Filter)] {
            for content in [json!(null), json!(""), json!([])] {
                let reply = read_value(&answer(content, json!(reason))).unwrap();
                assert_eq!((reply.text.as_str(), reply.finish), ("", finish));
            }
        }
        for reason in [json!("stop"), json!(null), json!("tool_calls")] {
            let refusal = read_value(&answer(json!(null), reason.clone())).unwrap_err();
            assert_eq!(refusal.failure, Failure::Empty, "{reason}");
            assert!(refusal.may_be_billed);
        }
        let other = read_value(&answer(json!("x"), json!("tool_calls"))).unwrap();
        assert_eq!(other.finish, Finish::Other);
    }

    #[test]
    fn a_server_that_gave_up_did_not_answer() {
        for reason in ["insufficient_system_resource", "error", "abort"] {
            let refusal = read_value(&answer(json!("half of"), json!(reason))).unwrap_err();
            assert_eq!(refusal.failure, Failure::Transient);
            assert!(refusal.may_be_billed);
        }
    }

    #[test]
    fn bodies_that_are_no_answer_are_unreadable_and_may_be_billed() {
        for body in [
            "",
            " \n",
            "<html><body>Sign in to the network</body></html>",
            r#"{"choices":[{"message":{"content":"cut o"#,
            r#"{"choices":[]}"#,
            r#"{"choices":"none"}"#,
            r#"{"response":"hello","done":true}"#,
            "[]",
            "null",
            "\u{0}\u{1}",
        ] {
            let refusal = read(body.as_bytes()).unwrap_err();
            assert_eq!(refusal.failure, Failure::Unreadable, "{body}");
            assert!(refusal.may_be_billed, "{body}");
        }
        assert_eq!(read(b"\xff\xfe").unwrap_err().failure, Failure::Unreadable);
    }

    #[test]
    fn an_error_inside_an_answer_is_classified_by_its_code() {
        let at_top = |error: Value| read_value(&json!({"error": error})).unwrap_err();
        for (error, failure, billed) in [
            (json!({"code": 429, "message": "Rate limit exceeded"}), Failure::Throttled, false),
            (json!({"code": "402", "message": "Insufficient credits"}), Failure::Quota, false),
            (json!({"code": "insufficient_quota", "message": "…"}), Failure::Quota, false),
            (json!({"code": 401, "message": "User not found."}), Failure::Auth, false),
            (json!({"type": "rate_limit_error", "message": "slow"}), Failure::Throttled, false),
            (json!({"type": "authentication_error", "message": "no"}), Failure::Auth, false),
            (json!({"type": "invalid_request_error", "message": "no"}), Failure::BadRequest, false),
            (json!({"code": 502, "message": "Provider disconnected"}), Failure::Transient, true),
            (json!({"code": 503, "message": "No instances"}), Failure::Transient, true),
            (json!("something went wrong"), Failure::Transient, true),
            (json!({"message": "Timed out"}), Failure::Transient, true),
        ] {
            let refusal = at_top(error.clone());
            assert_eq!(refusal.failure, failure, "{error}");
            assert_eq!(refusal.may_be_billed, billed, "{error}");
        }
        let inside = json!({"choices": [{"error": {"code": 502, "message": "Upstream"},
            "finish_reason": "error", "message": {"content": "half of"}}]});
        let refusal = read_value(&inside).unwrap_err();
        assert_eq!(refusal.failure, Failure::Transient);
        assert!(refusal.words.contains("Upstream"));
    }
}
