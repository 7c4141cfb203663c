//! Values that no run could use, although their type is right.

use super::{ImportanceSampling, LoraSettings, LossType, PromptSettings, RewardComponent, RewardSettings, Settings};

/// A key, its value, and what is allowed there.
pub(super) type Finding = (&'static str, String, &'static str);

/// Names that `lora.target_modules` may hold.
pub const LORA_TARGETS: [&str; 7] = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

/// Everything that is impossible in `settings`.
pub(super) fn findings(settings: &Settings) -> Vec<Finding> {
    let mut found = Vec::new();
    adapter(&settings.lora, &mut found);
    rollout(settings, &mut found);
    objective(settings, &mut found);
    reward(&settings.reward, &mut found);
    limits(settings, &mut found);
    prompt(&settings.prompt, &mut found);
    supervised(settings, &mut found);
    device(&settings.run.device, &mut found);
    patience(settings, &mut found);
    found.extend(settings.report.finding());
    found.extend(settings.doctor.findings());
    found
}

fn require(
    found: &mut Vec<Finding>,
    ok: bool,
    key: &'static str,
    value: &dyn std::fmt::Display,
    allowed: &'static str,
) {
    if !ok {
        found.push((key, value.to_string(), allowed));
    }
}

fn adapter(lora: &LoraSettings, found: &mut Vec<Finding>) {
    require(found, (1..=1024).contains(&lora.r), "lora.r", &lora.r, "1 to 1024");
    require(found, positive(lora.lora_alpha), "lora.lora_alpha", &lora.lora_alpha, "a number above 0");
    let dropout = (0.0..1.0).contains(&lora.lora_dropout);
    require(found, dropout, "lora.lora_dropout", &lora.lora_dropout, "0 (off) to below 1");
    let known =
        !lora.target_modules.is_empty() && lora.target_modules.iter().all(|t| LORA_TARGETS.contains(&t.as_str()));
    let allowed = "a list of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj";
    require(found, known, "lora.target_modules", &format!("{:?}", lora.target_modules), allowed);
}

fn rollout(settings: &Settings, found: &mut Vec<Finding>) {
    let r = &settings.rollout;
    require(found, (2..=1024).contains(&r.num_generations), "rollout.num_generations", &r.num_generations, "2 to 1024");
    let length = r.max_completion_length;
    require(found, (1..=65_536).contains(&length), "rollout.max_completion_length", &length, "1 to 65536");
    let allowed = "a number above 0, up to 10: the loss needs the probabilities that sampling used";
    require(found, positive(r.temperature) && r.temperature <= 10.0, "rollout.temperature", &r.temperature, allowed);
    require(found, r.top_p > 0.0 && r.top_p <= 1.0, "rollout.top_p", &r.top_p, "above 0, up to 1 (1 is off)");
    require(found, (0.0..=1.0).contains(&r.min_p), "rollout.min_p", &r.min_p, "0 (off) to 1");
    require(
        found,
        positive(r.repetition_penalty),
        "rollout.repetition_penalty",
        &r.repetition_penalty,
        "above 0 (1 is off)",
    );
    let turns = r.correction_turns;
    require(found, turns <= 16, "rollout.correction_turns", &turns, "0 (off) to 16");
    require(
        found,
        (1..=4096).contains(&r.prompts_per_step),
        "rollout.prompts_per_step",
        &r.prompts_per_step,
        "1 to 4096",
    );
}

fn objective(settings: &Settings, found: &mut Vec<Finding>) {
    let (g, o) = (&settings.grpo, &settings.optim);
    require(found, not_negative(g.beta), "grpo.beta", &g.beta, "0 or more");
    let steered = g.kl_target.is_none() || g.beta > 0.0;
    require(found, steered, "grpo.beta", &g.beta, "above 0 where grpo.kl_target is set, which multiplies it");
    require(found, positive(g.epsilon) && g.epsilon < 1.0, "grpo.epsilon", &g.epsilon, "above 0, below 1");
    let high = g.epsilon_high.unwrap_or(g.epsilon);
    require(found, positive(high), "grpo.epsilon_high", &high, "above 0");
    for (key, value) in [
        ("grpo.entropy_coef", g.entropy_coef),
        ("grpo.entropy_coef_min", g.entropy_coef_min),
        ("grpo.entropy_coef_delta", g.entropy_coef_delta),
        ("grpo.entropy_target", g.entropy_target),
    ] {
        require(found, not_negative(value), key, &value, "0 or more");
    }
    let most = g.entropy_coef_max;
    require(found, most >= g.entropy_coef_min, "grpo.entropy_coef_max", &most, "grpo.entropy_coef_min or more");
    for (key, bound) in [
        ("grpo.kl_target", g.kl_target),
        ("grpo.kl_horizon", Some(g.kl_horizon)),
        ("grpo.delta", g.delta),
        ("grpo.dual_clip", g.dual_clip),
        ("grpo.advantage_clip", g.advantage_clip),
        ("grpo.sapo_temperature_pos", Some(g.sapo_temperature_pos)),
        ("grpo.sapo_temperature_neg", Some(g.sapo_temperature_neg)),
        ("grpo.vespo_k_pos", Some(g.vespo_k_pos)),
        ("grpo.vespo_lambda_pos", Some(g.vespo_lambda_pos)),
        ("grpo.vespo_k_neg", Some(g.vespo_k_neg)),
        ("grpo.vespo_lambda_neg", Some(g.vespo_lambda_neg)),
    ] {
        let bound = bound.unwrap_or(1.0);
        require(found, positive(bound), key, &bound, "above 0");
    }
    let threshold = g.off_policy_mask_threshold.unwrap_or(0.0);
    require(found, not_negative(threshold), "grpo.off_policy_mask_threshold", &threshold, "0 or more, or absent");
    let share = g.top_entropy_quantile;
    require(found, share > 0.0 && share <= 1.0, "grpo.top_entropy_quantile", &share, "above 0, up to 1 (1 is all)");
    let sequence_wide = g.loss_type == LossType::Vespo && g.importance_sampling_level == ImportanceSampling::Sequence;
    let allowed = "token with grpo.loss_type vespo, which has a weight for each sequence already";
    require(found, !sequence_wide, "grpo.importance_sampling_level", &"sequence", allowed);
    parts(settings, found);
    require(found, (1..=64).contains(&g.num_iterations), "grpo.num_iterations", &g.num_iterations, "1 to 64");
    require(found, not_negative(o.learning_rate), "optim.learning_rate", &o.learning_rate, "0 or more");
    require(found, (0.0..1.0).contains(&o.adam_beta1), "optim.adam_beta1", &o.adam_beta1, "0 up to, not including, 1");
    require(found, (0.0..1.0).contains(&o.adam_beta2), "optim.adam_beta2", &o.adam_beta2, "0 up to, not including, 1");
    require(found, positive(o.adam_epsilon), "optim.adam_epsilon", &o.adam_epsilon, "above 0");
    require(found, not_negative(o.weight_decay), "optim.weight_decay", &o.weight_decay, "0 or more");
    require(found, not_negative(o.max_grad_norm), "optim.max_grad_norm", &o.max_grad_norm, "0 (off) or more");
}

/// Rollouts and their parts.
fn parts(settings: &Settings, found: &mut Vec<Finding>) {
    let (g, o, r) = (&settings.grpo, &settings.optim, &settings.rollout);
    let accumulated = o.gradient_accumulation_steps;
    let allowed = "1 to 4096";
    require(found, (1..=4096).contains(&accumulated), "optim.gradient_accumulation_steps", &accumulated, allowed);
    let parts = g.steps_per_generation.unwrap_or(accumulated);
    let even = parts > 0 && r.prompts_per_step.is_multiple_of(parts);
    let key = if g.steps_per_generation.is_some() {
        "grpo.steps_per_generation"
    } else {
        "optim.gradient_accumulation_steps"
    };
    require(found, even, key, &parts, "a divisor of rollout.prompts_per_step, the questions that are parted");
    let fits = parts > 0 && (accumulated.is_multiple_of(parts) || parts.is_multiple_of(accumulated.max(1)));
    let allowed = "a divisor or a multiple of optim.gradient_accumulation_steps";
    require(found, fits, "grpo.steps_per_generation", &parts, allowed);
    let batches = g.max_num_gen_batches;
    require(found, (1..=1000).contains(&batches), "grpo.max_num_gen_batches", &batches, "1 to 1000");
    let buffer = g.overlong_buffer_len.unwrap_or(1);
    let allowed = "1 to rollout.max_completion_length, or absent";
    require(found, (1..=r.max_completion_length).contains(&buffer), "grpo.overlong_buffer_len", &buffer, allowed);
    let penalty = g.overlong_penalty_factor;
    require(found, not_negative(penalty), "grpo.overlong_penalty_factor", &penalty, "0 or more");
    let alpha = g.ref_model_mixup_alpha;
    require(found, alpha > 0.0 && alpha <= 1.0, "grpo.ref_model_mixup_alpha", &alpha, "above 0, up to 1");
    let every = g.ref_model_sync_steps;
    require(found, every > 0, "grpo.ref_model_sync_steps", &every, "1 or more");
    for (key, count) in [
        ("memory.samples_in_flight", settings.memory.samples_in_flight),
        ("memory.completions_per_pass", settings.memory.completions_per_pass),
    ] {
        require(found, count != Some(0), key, &0, "1 or more, or absent");
    }
}

fn reward(reward: &RewardSettings, found: &mut Vec<Finding>) {
    for component in RewardComponent::ALL {
        let weight = reward.weight(component);
        require(found, not_negative(weight), component.key(), &weight, "0 or more");
    }
    let any = reward.components().next().is_some();
    let allowed = "a preset with a weight above 0, or such a weight beside it";
    require(found, any, "reward.preset", &"without any weight", allowed);
}

fn limits(settings: &Settings, found: &mut Vec<Finding>) {
    let (s, r) = (&settings.sql, &settings.run);
    require(
        found,
        positive(s.timeout) && s.timeout <= 3600.0,
        "sql.timeout",
        &s.timeout,
        "seconds above 0, up to 3600",
    );
    require(found, s.max_steps >= 1000, "sql.max_steps", &s.max_steps, "1000 or more");
    require(found, s.max_rows >= 1, "sql.max_rows", &s.max_rows, "1 or more");
    require(found, s.max_cell_bytes >= 16, "sql.max_cell_bytes", &s.max_cell_bytes, "16 or more");
    let memory = s.max_memory_mb;
    require(found, (64..=1 << 20).contains(&memory), "sql.max_memory_mb", &memory, "64 to 1048576");
    let workers = s.workers.unwrap_or(1);
    require(found, (1..=1024).contains(&workers), "sql.workers", &workers, "1 to 1024, or absent");
    let chunk = settings.memory.head_chunk;
    require(found, (1..=65_536).contains(&chunk), "memory.head_chunk", &chunk, "1 to 65536");
    require(
        found,
        settings.data.max_prompt_tokens >= 16,
        "data.max_prompt_tokens",
        &settings.data.max_prompt_tokens,
        "16 or more",
    );
    require(found, settings.data.limit != Some(0), "data.limit", &0, "1 or more, or absent");
    require(found, r.max_steps != Some(0), "run.max_steps", &0, "1 or more, or absent");
    require(found, positive(r.epochs), "run.epochs", &r.epochs, "above 0");
    let name_ok = !r.name.is_empty()
        && r.name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
        && !r.name.starts_with('.');
    require(
        found,
        name_ok,
        "run.name",
        &format!("{:?}", r.name),
        "letters, digits, '-', '_' and '.', not starting with '.'",
    );
    require(found, (1..=120).contains(&settings.ui.fps), "ui.fps", &settings.ui.fps, "1 to 120");
}

fn patience(settings: &Settings, found: &mut Vec<Finding>) {
    let eval = &settings.eval;
    let Some(patience) = eval.patience else { return };
    let ok = patience > 0 && eval.every > 0 && eval.questions > 0;
    let allowed = "1 or more with eval.every and eval.questions above 0, or absent";
    require(found, ok, "eval.patience", &patience, allowed);
}

fn prompt(prompt: &PromptSettings, found: &mut Vec<Finding>) {
    let known = prompt.template_file().is_none() || prompt.template.contains(['.', '/', '\\']);
    let allowed = "plain, sql_r1, omnisql, or the path of a template file, as in ./mine.jinja";
    require(found, known, "prompt.template", &prompt.template, allowed);
    let samples = prompt.sample_values;
    require(found, samples <= 100, "prompt.sample_values", &samples, "0 (none) to 100");
    let tokens = prompt.max_schema_tokens.unwrap_or(usize::MAX);
    require(found, tokens >= 16, "prompt.max_schema_tokens", &tokens, "16 or more, or absent");
}

fn supervised(settings: &Settings, found: &mut Vec<Finding>) {
    let (s, n) = (&settings.sft, &settings.scratch);
    let mut count = |key, value: usize| require(found, (1..=4096).contains(&value), key, &value, "1 to 4096");
    count("sft.questions_per_bundle", s.questions_per_bundle);
    count("sft.bundles_per_step", s.bundles_per_step);
    count("scratch.num_hidden_layers", n.num_hidden_layers);
    count("scratch.num_attention_heads", n.num_attention_heads);
    let target = s.target_accuracy.unwrap_or(1.0);
    require(found, target > 0.0 && target <= 1.0, "sft.target_accuracy", &target, "above 0, up to 1, or absent");
    let vocabulary = n.vocab_size;
    require(found, (512..=1 << 20).contains(&vocabulary), "scratch.vocab_size", &vocabulary, "512 to 1048576");
    let mut width = |key, value: usize| {
        let ok = value.is_multiple_of(32) && (32..=1 << 16).contains(&value);
        require(found, ok, key, &value, "a multiple of 32, up to 65536");
    };
    width("scratch.hidden_size", n.hidden_size);
    width("scratch.intermediate_size", n.intermediate_size);
    let (heads, groups) = (n.num_attention_heads.max(1), n.num_key_value_heads);
    let head_ok = n.hidden_size.is_multiple_of(heads) && (n.hidden_size / heads).is_multiple_of(2);
    let allowed = "a divisor of scratch.hidden_size that leaves an even width";
    require(found, head_ok, "scratch.num_attention_heads", &heads, allowed);
    let groups_ok = groups > 0 && heads.is_multiple_of(groups);
    require(found, groups_ok, "scratch.num_key_value_heads", &groups, "a divisor of scratch.num_attention_heads");
}

fn device(name: &str, found: &mut Vec<Finding>) {
    let ok = match name.split_once(':') {
        None => matches!(name, "auto" | "cpu" | "cuda" | "wgpu"),
        Some(("cuda", rest)) => rest.split(',').all(|n| n.parse::<u16>().is_ok()),
        Some(_) => false,
    };
    require(found, ok, "run.device", &name, "auto, cpu, cuda, cuda:N, cuda:N,M or wgpu");
}

fn positive(x: f64) -> bool {
    x.is_finite() && x > 0.0
}

fn not_negative(x: f64) -> bool {
    x.is_finite() && x >= 0.0
}
