//! Refusals as providers word them, and what each is taken for.

use super::*;
use reqwest::header::{HeaderName, HeaderValue};

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        })
        .collect()
}

fn read(status: u16, pairs: &[(&str, &str)], body: &str) -> Refusal {
    let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
    Refusal::new(status, &headers(pairs), body.as_bytes(), now)
}

/// Provider, status, body, what it means, the wait in it, and a part of the words shown.
type Recorded = (&'static str, u16, &'static str, Failure, Option<f64>, &'static str);

use Failure::{Auth, BadRequest, Filter, Quota, Throttled, Transient, Unavailable};

const RECORDED: &[Recorded] = &[
    // OpenAI
    (
        "openai",
        429,
        r#"{"error":{"message":"Rate limit reached for gpt-4o in organization org-x on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s. Visit https://platform.openai.com/account/rate-limits to learn more. You can increase your rate limit by adding a payment method to your account at https://platform.openai.com/account/billing.","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#,
        Throttled,
        Some(20.0),
        "Rate limit reached",
    ),
    (
        "openai",
        429,
        r#"{"error":{"message":"Rate limit reached for gpt-4o-mini in organization org-x on requests per day (RPD): Limit 200, Used 200, Requested 1. Please try again in 7m12s.","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#,
        Throttled,
        Some(432.0),
        "per day",
    ),
    (
        "openai",
        429,
        r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
        Quota,
        None,
        "exceeded your current quota",
    ),
    (
        "openai",
        429,
        r#"{"error":{"message":"Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 41235. The input or output tokens must be reduced in order to run successfully.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#,
        BadRequest,
        None,
        "must be reduced",
    ),
    (
        "openai",
        400,
        r#"{"error":{"message":"Billing hard limit has been reached","type":"invalid_request_error","param":null,"code":"billing_hard_limit_reached"}}"#,
        Quota,
        None,
        "hard limit",
    ),
    (
        "openai",
        401,
        r#"{"error":{"message":"Incorrect API key provided: sk-abcde***********wxyz. You can find your API key at https://platform.openai.com/account/api-keys.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#,
        Auth,
        None,
        "Incorrect API key",
    ),
    (
        "openai",
        403,
        r#"{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported","param":null,"type":"request_forbidden"}}"#,
        Auth,
        None,
        "not supported",
    ),
    (
        "openai",
        404,
        r#"{"error":{"message":"The model `gpt-9` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#,
        BadRequest,
        None,
        "gpt-9",
    ),
    (
        "openai",
        400,
        r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}"#,
        BadRequest,
        None,
        "max_completion_tokens",
    ),
    (
        "openai",
        400,
        r#"{"error":{"message":"This model's maximum context length is 128000 tokens. However, your messages resulted in 140339 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
        BadRequest,
        None,
        "maximum context length",
    ),
    (
        "openai",
        500,
        r#"{"error":{"message":"The server had an error processing your request. Sorry about that! (Please include the request ID req_1 in your email.)","type":"server_error","param":null,"code":null}}"#,
        Transient,
        None,
        "server had an error",
    ),
    (
        "openai",
        503,
        r#"{"error":{"message":"The engine is currently overloaded, please try again later","type":"server_error","param":null,"code":null}}"#,
        Unavailable,
        None,
        "overloaded",
    ),
    // Azure
    (
        "azure",
        429,
        r#"{"error":{"code":"429","message":"Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 26 seconds."}}"#,
        Throttled,
        Some(26.0),
        "exceeded token rate limit",
    ),
    (
        "azure",
        401,
        r#"{ "statusCode": 401, "message": "Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired." }"#,
        Auth,
        None,
        "Access token is missing",
    ),
    (
        "azure",
        400,
        r#"{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
        Filter,
        None,
        "was filtered",
    ),
    // Anthropic
    (
        "anthropic",
        529,
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}"#,
        Unavailable,
        None,
        "Overloaded",
    ),
    (
        "anthropic",
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."}}"#,
        Quota,
        None,
        "credit balance",
    ),
    (
        "anthropic",
        413,
        r#"{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#,
        BadRequest,
        None,
        "maximum size",
    ),
    (
        "anthropic",
        401,
        r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"},"request_id":"req_2"}"#,
        Auth,
        None,
        "invalid x-api-key",
    ),
    (
        "anthropic",
        403,
        r#"{"type":"error","error":{"type":"permission_error","message":"Your API key does not have permission to use the specified resource."}}"#,
        Auth,
        None,
        "permission",
    ),
    (
        "anthropic",
        404,
        r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-none"}}"#,
        BadRequest,
        None,
        "claude-none",
    ),
    (
        "anthropic",
        429,
        r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's rate limit of 50,000 input tokens per minute."}}"#,
        Throttled,
        None,
        "rate limit",
    ),
    (
        "anthropic",
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210034 tokens > 200000 maximum"}}"#,
        BadRequest,
        None,
        "too long",
    ),
    (
        "anthropic",
        500,
        r#"{"type":"error","error":{"type":"api_error","message":"Internal server error"}}"#,
        Transient,
        None,
        "Internal server error",
    ),
    // Gemini
    (
        "gemini",
        429,
        r#"{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"12s"}]}}"#,
        Throttled,
        Some(12.0),
        "exhausted",
    ),
    (
        "gemini",
        400,
        r#"{"error":{"code":400,"message":"The input token count (1200034) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}"#,
        BadRequest,
        None,
        "exceeds the maximum",
    ),
    (
        "gemini",
        403,
        r#"{"error":{"code":403,"message":"Permission denied on resource project x.","status":"PERMISSION_DENIED"}}"#,
        Auth,
        None,
        "Permission denied",
    ),
    (
        "gemini",
        404,
        r#"{"error":{"code":404,"message":"models/none is not found for API version v1beta, or is not supported for generateContent.","status":"NOT_FOUND"}}"#,
        BadRequest,
        None,
        "is not found",
    ),
    (
        "gemini",
        500,
        r#"{"error":{"code":500,"message":"An internal error has occurred.","status":"INTERNAL"}}"#,
        Transient,
        None,
        "internal error",
    ),
    (
        "gemini",
        429,
        r#"[{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details. Please retry in 37.42s.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier","quotaValue":"15"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"37s"}]}}]"#,
        Throttled,
        Some(37.0),
        "current quota",
    ),
    (
        "gemini",
        429,
        r#"[{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier","quotaValue":"250"}]},{"retryDelay":"37s"}]}}]"#,
        Quota,
        None,
        "current quota",
    ),
    (
        "gemini",
        400,
        r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}]"#,
        Auth,
        None,
        "API key not valid",
    ),
    (
        "gemini",
        503,
        r#"[{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}]"#,
        Unavailable,
        None,
        "overloaded",
    ),
    // DeepSeek
    (
        "deepseek",
        402,
        r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}"#,
        Quota,
        None,
        "Insufficient Balance",
    ),
    (
        "deepseek",
        401,
        r#"{"error":{"message":"Authentication Fails, Your api key: ****wxyz is invalid","type":"authentication_error","param":null,"code":"invalid_request_error"}}"#,
        Auth,
        None,
        "Authentication Fails",
    ),
    // OpenRouter
    (
        "openrouter",
        402,
        r#"{"error":{"message":"This request requires more credits, or fewer max_tokens. You requested up to 2000 tokens, but can only afford 120.","code":402,"metadata":{"provider_name":null}},"user_id":"user_1"}"#,
        Quota,
        None,
        "more credits",
    ),
    (
        "openrouter",
        429,
        r#"{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"google/gemma-3-27b-it:free is temporarily rate-limited upstream. Please retry shortly.","provider_name":"Chutes"}},"user_id":"user_1"}"#,
        Throttled,
        None,
        "temporarily rate-limited upstream",
    ),
    (
        "openrouter",
        429,
        r#"{"error":{"message":"Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day","code":429,"metadata":{"headers":{"X-RateLimit-Limit":"50","X-RateLimit-Remaining":"0"}}}}"#,
        Quota,
        None,
        "free-models-per-day",
    ),
    (
        "openrouter",
        403,
        r#"{"error":{"message":"openai/gpt-4o requires moderation on OpenAI. Your input was flagged for \"violence\".","code":403,"metadata":{"reasons":["violence"],"flagged_input":"…"}}}"#,
        Filter,
        None,
        "flagged",
    ),
    // Groq
    (
        "groq",
        429,
        r#"{"error":{"message":"Rate limit reached for model `llama-3.3-70b-versatile` in organization `org_1` service tier `on_demand` on tokens per day (TPD): Limit 100000, Used 99336, Requested 1613. Please try again in 13m39.936s. Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing","type":"tokens","code":"rate_limit_exceeded"}}"#,
        Throttled,
        Some(819.936),
        "tokens per day",
    ),
    (
        "groq",
        413,
        r#"{"error":{"message":"Request too large for model `llama-3.1-8b-instant` on tokens per minute (TPM): Limit 6000, Requested 9106, please reduce your message size and try again.","type":"tokens","code":"rate_limit_exceeded"}}"#,
        BadRequest,
        None,
        "Request too large",
    ),
    (
        "groq",
        498,
        r#"{"error":{"message":"Flex tier capacity exceeded","type":"capacity_exceeded"}}"#,
        Transient,
        None,
        "capacity",
    ),
    // Mistral
    (
        "mistral",
        422,
        r#"{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted","input":7}]},"type":"invalid_request_error","param":null,"code":null}"#,
        BadRequest,
        None,
        "body.seed: Extra inputs are not permitted",
    ),
    (
        "mistral",
        429,
        r#"{"message":"Requests rate limit exceeded"}"#,
        Throttled,
        None,
        "rate limit",
    ),
    ("mistral", 401, r#"{"message":"Unauthorized","request_id":"1"}"#, Auth, None, "Unauthorized"),
    // xAI
    (
        "xai",
        403,
        r#"{"code":"The caller does not have permission to execute the specified operation","error":"Your newly created team doesn't have any credits yet. You can purchase credits on https://console.x.ai."}"#,
        Quota,
        None,
        "any credits",
    ),
    (
        "xai",
        400,
        r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xa***yz. You can obtain an API key from https://console.x.ai."}"#,
        Auth,
        None,
        "Incorrect API key",
    ),
    // Moonshot, Zhipu, DashScope, Together, Perplexity, Cohere
    (
        "moonshot",
        429,
        r#"{"error":{"type":"exceeded_current_quota_error","message":"Your account is suspended, please check your plan and billing details"}}"#,
        Quota,
        None,
        "suspended",
    ),
    (
        "moonshot",
        429,
        r#"{"error":{"type":"engine_overloaded_error","message":"The engine is currently overloaded, please try again later"}}"#,
        Throttled,
        None,
        "overloaded",
    ),
    (
        "zhipu",
        429,
        r#"{"error":{"code":"1113","message":"余额不足或无可用资源包,请充值。"}}"#,
        Quota,
        None,
        "余额不足",
    ),
    (
        "zhipu",
        429,
        r#"{"error":{"code":"1302","message":"您当前使用该API的并发数过高"}}"#,
        Throttled,
        None,
        "并发",
    ),
    (
        "dashscope",
        400,
        r#"{"error":{"code":"Arrearage","type":"Arrearage","message":"Access denied, please make sure your account is in good standing."}}"#,
        Quota,
        None,
        "good standing",
    ),
    (
        "dashscope",
        429,
        r#"{"error":{"code":"limit_requests","type":"limit_requests","message":"You exceeded your current requests list."}}"#,
        Throttled,
        None,
        "requests list",
    ),
    (
        "together",
        402,
        r#"{"id":"1","error":{"message":"Credit limit exceeded, please navigate to https://api.together.ai/settings/billing to add a credit card or upgrade your plan.","type":"credit_limit","param":null,"code":null}}"#,
        Quota,
        None,
        "Credit limit",
    ),
    (
        "perplexity",
        401,
        r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details","type":"insufficient_quota","code":401}}"#,
        Quota,
        None,
        "quota",
    ),
    (
        "cohere",
        429,
        r#"{"id":"1","message":"You are using a Trial key, which is limited to 1000 API calls / month. You can continue to use the Trial key for free or upgrade to a Production key."}"#,
        Quota,
        None,
        "Trial key",
    ),
    (
        "bedrock",
        400,
        r#"{"error":{"type":"ThrottlingException","message":"Too many requests, please wait before trying again."}}"#,
        Throttled,
        None,
        "Too many requests",
    ),
    // Local servers
    (
        "vllm",
        400,
        r#"{"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.","type":"BadRequestError","param":null,"code":400}"#,
        BadRequest,
        None,
        "maximum context length",
    ),
    (
        "vllm",
        404,
        r#"{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","param":null,"code":404}"#,
        BadRequest,
        None,
        "does not exist",
    ),
    (
        "llama.cpp",
        503,
        r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#,
        Unavailable,
        None,
        "Loading model",
    ),
    (
        "llama.cpp",
        501,
        r#"{"error":{"code":501,"message":"This server does not support completions. Start it without `--embeddings`","type":"not_supported_error"}}"#,
        BadRequest,
        None,
        "--embeddings",
    ),
    (
        "ollama",
        404,
        r#"{"error":{"message":"model \"x\" not found, try pulling it first","type":"api_error","param":null,"code":null}}"#,
        BadRequest,
        None,
        "pulling it first",
    ),
    (
        "ollama",
        500,
        r#"{"error":"llama runner process has terminated: exit status 2"}"#,
        Transient,
        None,
        "llama runner",
    ),
    (
        "litellm",
        429,
        r#"{"error":{"message":"No deployments available for selected model, Try again in 5 seconds.","type":"None","param":"None","code":"429"}}"#,
        Throttled,
        Some(5.0),
        "No deployments",
    ),
    // Gateways
    (
        "cloudflare",
        502,
        "<!DOCTYPE html><html><head><title>api.example.com | 502: Bad gateway</title></head><body>…</body></html>",
        Transient,
        None,
        "api.example.com | 502: Bad gateway",
    ),
    ("cloudflare", 520, "error code: 520", Transient, None, "error code: 520"),
    (
        "nginx",
        504,
        "<html>\r\n<head><title>504 Gateway Time-out</title></head></html>",
        Transient,
        None,
        "504 Gateway Time-out",
    ),
    (
        "nginx",
        413,
        "<html><head><TITLE>413 Request Entity Too Large</TITLE></head></html>",
        BadRequest,
        None,
        "Too Large",
    ),
    ("proxy", 407, "", Auth, None, ""),
    ("anyone", 301, "", BadRequest, None, ""),
    ("anyone", 408, "{}", Transient, None, "{}"),
    ("anyone", 429, "", Throttled, None, ""),
    ("anyone", 503, "null", Unavailable, None, "null"),
];

#[test]
fn recorded_refusals_mean_what_their_providers_mean() {
    for (provider, status, body, failure, wait, words) in RECORDED {
        let refusal = read(*status, &[], body);
        assert_eq!(refusal.failure, *failure, "{provider} {status}: {body}");
        assert!(refusal.words.contains(words), "{provider}: {}", refusal.words);
        let wait = wait.map(Duration::from_secs_f64);
        assert_eq!(refusal.retry_after, wait, "{provider} {status}: {body}");
        // What was refused outright was not worked on.
        let billed = *failure == Transient && matches!(status, 408 | 502 | 504 | 520);
        assert_eq!(refusal.may_be_billed, billed, "{provider} {status}");
    }
    let providers: std::collections::BTreeSet<_> =
        RECORDED.iter().map(|(provider, ..)| provider).collect();
    assert!(RECORDED.len() >= 30 && providers.len() >= 6);
}

#[test]
fn waits_are_read_from_headers_in_all_their_forms() {
    let wait = |pairs: &[(&str, &str)]| {
        let refusal = read(429, pairs, "{}");
        refusal.retry_after.map(|wait| wait.as_secs_f64())
    };
    assert_eq!(wait(&[("retry-after", "2")]), Some(2.0));
    assert_eq!(wait(&[("retry-after", " 1.5 ")]), Some(1.5));
    assert_eq!(wait(&[("retry-after-ms", "250"), ("retry-after", "1")]), Some(0.25));
    assert_eq!(wait(&[("retry-after", "Sun, 22 Nov 2026 12:00:30 GMT")]), Some(30.0));
    // The server's clock is an hour behind ours.
    let server = [
        ("retry-after", "Sun, 22 Nov 2026 11:00:07 GMT"),
        ("date", "Sun, 22 Nov 2026 11:00:00 GMT"),
    ];
    assert_eq!(wait(&server), Some(7.0));
    assert_eq!(wait(&[("retry-after", "Sun, 22 Nov 2020 12:00:30 GMT")]), Some(0.0));
    assert_eq!(wait(&[("retry-after", "1e300")]), None);
    assert_eq!(wait(&[("retry-after", "9999999999")]), Some(86_400.0));
    assert_eq!(wait(&[("retry-after", "-3")]), None);
    assert_eq!(wait(&[("retry-after", "soon")]), None);
    for (text, seconds) in [("1s", 1.0), ("6m0s", 360.0), ("20ms", 0.02), ("2m59.5s", 179.5)] {
        assert_eq!(wait(&[("x-ratelimit-reset-requests", text)]), Some(seconds), "{text}");
    }
    assert_eq!(wait(&[("x-ratelimit-reset-requests", "10")]), Some(10.0));
    assert_eq!(wait(&[("x-ratelimit-reset-requests", "never")]), None);
    let both = |left: &str| {
        wait(&[
            ("x-ratelimit-remaining-requests", "100"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-remaining-tokens", left),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ])
    };
    assert_eq!(both("0"), Some(360.0));
    assert_eq!(both("500"), Some(1.0));
    assert_eq!(wait(&[]), None);
}

#[test]
fn a_firewall_refuses_one_input_and_a_provider_the_key() {
    let page = "<html><head><title>Access denied | x.example used a firewall</title></head></html>";
    for (status, body, failure) in [
        (403, page, BadRequest),
        (403, "<html>Request blocked</html>", BadRequest),
        (403, "", BadRequest),
        (403, r#"{"error":{"message":"You have no access to this model"}}"#, Auth),
        (403, r#"{"error":{"status":"PERMISSION_DENIED","message":"x"}}"#, Auth),
        (401, page, Auth),
        (400, r#"{"error":{"message":"Unknown field: safety_settings"}}"#, BadRequest),
        (400, r#"{"error":{"code":"content_filter","message":"x"}}"#, Filter),
        (422, r#"{"error":{"message":"The input was flagged"}}"#, Filter),
    ] {
        assert_eq!(read(status, &[], body).failure, failure, "{status} {body}");
    }
}

#[test]
fn waits_are_read_from_bodies_and_from_other_headers() {
    let wait = |pairs: &[(&str, &str)], body: &str| {
        read(429, pairs, body).retry_after.map(|wait| wait.as_secs_f64())
    };
    assert_eq!(wait(&[], r#"{"error":{"message":"slow","retry_after":2.5}}"#), Some(2.5));
    assert_eq!(wait(&[], r#"{"error":{"message":"slow","retry_after_ms":250}}"#), Some(0.25));
    assert_eq!(wait(&[], r#"{"message":"slow","retry_after":"7"}"#), Some(7.0));
    assert_eq!(wait(&[], r#"{"error":"slow","retry_after":4}"#), Some(4.0));
    // The obsolete forms of a date; the server's clock says 12:00:00.
    for date in
        ["Sunday, 22-Nov-26 12:00:30 GMT", "Sun Nov 22 12:00:30 2026", "2026-11-22T12:00:30Z"]
    {
        assert_eq!(wait(&[("retry-after", date)], ""), Some(30.0), "{date}");
    }
    assert_eq!(wait(&[("x-ratelimit-reset", "12")], ""), Some(12.0));
    let moment = "1795348810"; // 12:00:10
    assert_eq!(wait(&[("x-ratelimit-reset", moment)], ""), Some(10.0));
    assert_eq!(wait(&[("x-ratelimit-reset-requests", "1795348810000")], ""), Some(10.0));
    let anthropic = ("anthropic-ratelimit-tokens-reset", "2026-11-22T12:00:05Z");
    assert_eq!(wait(&[anthropic], ""), Some(5.0));
}

#[test]
fn only_what_is_tried_again_has_a_wait() {
    let pairs = [("retry-after", "3")];
    assert_eq!(read(503, &pairs, "").retry_after, Some(Duration::from_secs(3)));
    assert_eq!(read(401, &pairs, "").retry_after, None);
    assert_eq!(read(402, &pairs, "").retry_after, None);
}

#[test]
fn a_refused_field_is_told_from_one_that_is_only_quoted() {
    let field = |error: &str| read(400, &[], &format!("{{\"error\":{error}}}")).refused_field;
    for (error, expected) in [
        (
            r#"{"message":"Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported.","param":"temperature","code":"unsupported_value"}"#,
            Some("temperature"),
        ),
        (
            r#"{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."}"#,
            Some("max_tokens"),
        ),
        (
            r#"{"message":"Invalid JSON payload received. Unknown name \"seed\": Cannot find field."}"#,
            Some("seed"),
        ),
        (r#"{"message":"temperature is not supported by this model"}"#, Some("temperature")),
        // Gemini, Anthropic, and the template of a model without a system message.
        (
            r#"{"code":400,"message":"Invalid JSON payload received. Unknown name \"seed\" at 'generation_config': Cannot find field.","status":"INVALID_ARGUMENT"}"#,
            Some("seed"),
        ),
        (
            r#"{"code":400,"message":"Developer instruction is not enabled for models/gemma-3-27b-it","status":"INVALID_ARGUMENT"}"#,
            Some("system role"),
        ),
        (
            r#"{"type":"invalid_request_error","message":"temperature: Extra inputs are not permitted"}"#,
            Some("temperature"),
        ),
        (
            r#"{"type":"invalid_request_error","message":"`temperature` is deprecated for this model."}"#,
            Some("temperature"),
        ),
        (
            r#"{"message":"System role not supported","type":"BadRequestError"}"#,
            Some("system role"),
        ),
        (r#"{"message":"max_tokens is too large: 9000","param":"max_tokens"}"#, None),
        (r#"{"message":"images are not supported: What temperature does a seed need?"}"#, None),
        (r#"{"message":"The prompt text about seed is not supported: sow it"}"#, Some("seed")),
    ] {
        assert_eq!(field(error).as_deref(), expected, "{error}");
    }
    let listed = read(
        422,
        &[],
        r#"{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted"}]}"#,
    );
    assert_eq!(listed.refused_field.as_deref(), Some("seed"));
}
