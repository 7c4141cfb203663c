//! Memory alone, counted.

use crate::{bench::fit::FitReport, cockpit::figures};

/// A table of categories, the summits, and what to change.
pub fn describe(found: &FitReport) -> String {
    let bytes = |bytes: u64| figures::bytes(bytes as f64);
    let device = if found.gpu { "a GPU" } else { "the CPU" };
    let mut lines = vec![format!(
        "{} on {device}: {} prompt(s) a step of up to {} tokens, {} completions of up to {}, rank {}",
        found.model, found.prompts_per_step, found.prompt_tokens, found.k, found.new_tokens, found.rank
    )];
    let categories = found.forecast.categories();
    lines.extend(
        categories
            .iter()
            .filter(|(_, size, _)| *size > 0)
            .map(|(name, size, meaning)| format!("  {name:<14}{:>10}  {meaning}", bytes(*size))),
    );
    let (rollout, update) = (bytes(found.forecast.rollout_peak), bytes(found.forecast.update_peak));
    lines.push(format!("  {:<14}{rollout:>10}  the most while completions are written", "rollout"));
    lines.push(format!("  {:<14}{update:>10}  the most while gradients are computed", "update"));
    let (peak, there) = (bytes(found.forecast.peak), bytes(found.memory));
    lines.push(if found.fits {
        format!("it fits: {peak} of {there}")
    } else {
        format!("it does not fit: {peak} of {there}")
    });
    lines.extend(found.remedies.iter().map(|remedy| {
        let verdict = if remedy.fits { "fits" } else { "still too much" };
        format!("  then {:>10}  {}: {verdict}", bytes(remedy.peak), remedy.change)
    }));
    if !found.fits && found.remedies.last().is_none_or(|remedy| !remedy.fits) {
        lines.push("no setting makes it fit: a smaller model or shorter prompts (data.max_prompt_tokens) would".into());
    }
    lines.push("counted: tensors at a step's two summits. Not counted: what an allocator holds in reserve".into());
    lines.join("\n")
}
