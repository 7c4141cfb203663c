"""GRPO steps of TRL + PEFT + PyTorch on a model of random weights: the peer of `sqlr1-tui bench grpo --synthetic` (scripts/bench-trl).

python trl_peer.py --synthetic qwen2.5-coder-7b [--device cuda] [--dtype bf16] [--k 8] [--prompt-tokens 512] [--new-tokens 256]
    [--steps 3] [--warmup-steps 1]

The base is held in --dtype (bf16 LoRA), LoRA of rank 16 on all seven projections, beta 0.04, temperature 0.8, every completion exactly
--new-tokens long by the `transformers` generate path, a reward that costs nothing. Prompts are random tokens. The last line printed is a
JSON object.
"""

import argparse
import contextlib
import json
import resource
import sys
import tempfile
import time

# Shapes by the names of `--synthetic` (src/model/synthetic/shapes.rs).
LLAMA = {"rms_norm_eps": 1e-5, "tie_word_embeddings": True, "rope_theta": 1e5}
QWEN2 = {"rms_norm_eps": 1e-6, "tie_word_embeddings": True, "rope_theta": 1e6}
SHAPES = {
    "qwen2.5-coder-7b": ("qwen2", (28, 3584, 18944, 28, 4, 152064), {**QWEN2, "tie_word_embeddings": False}),
    "qwen2.5-coder-0.5b": ("qwen2", (24, 896, 4864, 14, 2, 151936), QWEN2),
    "codellama-7b": ("llama", (32, 4096, 11008, 32, 32, 32016), {**LLAMA, "tie_word_embeddings": False, "rope_theta": 1e6}),
    "smollm2-135m": ("llama", (30, 576, 1536, 9, 3, 49152), LLAMA),
    "tiny": ("llama", (2, 64, 192, 4, 2, 320), LLAMA),
}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--synthetic", required=True, choices=SHAPES)
parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
parser.add_argument("--dtype", default="bf16", choices=["bf16", "f32"])
parser.add_argument("--k", type=int, default=8)
parser.add_argument("--prompt-tokens", type=int, default=512)
parser.add_argument("--new-tokens", type=int, default=256)
parser.add_argument("--steps", type=int, default=3)
parser.add_argument("--warmup-steps", type=int, default=0)
parser.add_argument("--threads", type=int)
parser.add_argument("--checkpointing", action="store_true", help="gradient checkpointing: less memory, more time")
args = parser.parse_args()

import torch  # noqa: E402
import transformers  # noqa: E402
import trl  # noqa: E402
from datasets import Dataset  # noqa: E402
from peft import LoraConfig  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402

if args.threads:
    torch.set_num_threads(args.threads)
torch.manual_seed(0)
cuda, dtype = args.device == "cuda", torch.bfloat16 if args.dtype == "bf16" else torch.float32
family, (layers, hidden, inner, heads, keys, vocabulary), more = SHAPES[args.synthetic]
Config = {"qwen2": transformers.Qwen2Config, "llama": transformers.LlamaConfig}[family]
more = dict(more)
theta = more.pop("rope_theta")
config = Config(
    num_hidden_layers=layers, hidden_size=hidden, intermediate_size=inner, num_attention_heads=heads, num_key_value_heads=keys,
    vocab_size=vocabulary, max_position_embeddings=4096, bos_token_id=1, eos_token_id=None, pad_token_id=0,
    **({"rope_parameters": {"rope_type": "default", "rope_theta": theta}} if transformers.__version__ >= "5" else {"rope_theta": theta}), **more,
)
# Made where it is used: the host never holds it.
with torch.device(args.device):
    torch.set_default_dtype(dtype)
    model = transformers.AutoModelForCausalLM.from_config(config)
    torch.set_default_dtype(torch.float32)
model.generation_config.eos_token_id = None

# One word a token, so that a prompt has as many as asked for.
words = {f"w{i}": i for i in range(min(vocabulary, 20000))}
plain = Tokenizer(models.WordLevel(words, unk_token="w0"))
plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=plain, pad_token="w0", bos_token="w1", eos_token="w2", unk_token="w0")
generator = torch.Generator().manual_seed(0)
ids = torch.randint(3, len(words), (args.warmup_steps + args.steps, args.prompt_tokens), generator=generator).tolist()
prompts = [" ".join(f"w{i}" for i in row) for row in ids]


class Clock(transformers.TrainerCallback):
    """When each step ended."""

    def __init__(self):
        self.times = []

    def on_step_end(self, *_, **__):
        if cuda:
            torch.cuda.synchronize()
        self.times.append(time.time())


class Timed(trl.GRPOTrainer):
    """With the seconds that completions took, scoring included."""

    rollouts = []

    def _generate_and_score_completions(self, *given, **named):
        began = time.time()
        made = super()._generate_and_score_completions(*given, **named)
        if cuda:
            torch.cuda.synchronize()
        self.rollouts.append(time.time() - began)
        return made


clock = Clock()
with tempfile.TemporaryDirectory() as out, contextlib.redirect_stdout(sys.stderr):
    settings = trl.GRPOConfig(
        output_dir=out, per_device_train_batch_size=args.k, num_generations=args.k, max_completion_length=args.new_tokens, max_steps=args.warmup_steps + args.steps,
        logging_steps=1, use_cpu=not cuda, bf16=args.dtype == "bf16" and cuda, report_to=[], save_strategy="no", beta=0.04, learning_rate=1e-5,
        temperature=0.8, gradient_checkpointing=args.checkpointing, disable_tqdm=True, shuffle_dataset=False,
        generation_kwargs={"min_new_tokens": args.new_tokens},
    )
    trainer = Timed(
        model=model, reward_funcs=lambda completions, **_: [(hash(c) % 100) / 100 for c in completions], processing_class=tokenizer,
        train_dataset=Dataset.from_dict({"prompt": prompts}), callbacks=[clock], args=settings,
        peft_config=LoraConfig(
            r=16, lora_alpha=32, task_type="CAUSAL_LM",
            target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        ),
    )
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    clock.times.append(time.time())
    trainer.train()
steps = [round(after - before, 3) for before, after in zip(clock.times, clock.times[1:])]
warmup, steps = steps[:args.warmup_steps], steps[args.warmup_steps:]
rollouts = [round(seconds, 3) for seconds in Timed.rollouts[args.warmup_steps:]]
written = args.k * args.new_tokens
peak = torch.cuda.max_memory_reserved() if cuda else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
mean = lambda values: sum(values) / max(1, len(values))
print(json.dumps({
    "peer": "trl", "model": args.synthetic, "device": torch.cuda.get_device_name() if cuda else "cpu", "dtype": args.dtype,
    "versions": {module.__name__: module.__version__ for module in (torch, transformers, trl)}, "k": args.k, "prompt_tokens": args.prompt_tokens,
    "new_tokens": args.new_tokens, "checkpointing": args.checkpointing, "warmup_s": warmup, "step_s": steps, "rollout_and_reference_s": rollouts,
    "rollout_tok_s": round(written / mean(rollouts), 1) if rollouts else None, "peak_mb": round(peak / (1 << 20), 1),
    "peak_allocated_mb": round(torch.cuda.max_memory_allocated() / (1 << 20), 1) if cuda else None,
}))
