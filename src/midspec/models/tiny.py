"""A seed → a Llama of two small layers with random weights and the shipped tokenizer. Knows nothing of caches.

It has no knowledge and no manners, but it runs the true path of every stage in seconds.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from midspec.core.errors import SetupError
from midspec.library.catalog import TOKENIZER, Tiny
from midspec.models.digests import read_json
from midspec.models.embedded import write_json

FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def draw(model: Tiny, folder: Path) -> None:
    """Write the model into an empty folder: the same bytes on every machine.

    Raises:
        SetupError: numpy or safetensors is missing.
    """
    try:
        import numpy
        from safetensors.numpy import save_file
    except ImportError as error:
        raise SetupError(f"{model.title} needs {error.name}", hint="pip install 'midspec[train]'") from error

    for name in FILES:
        shutil.copyfile(TOKENIZER / name, folder / name)
    config = _config(len(read_json(TOKENIZER / "tokenizer.json")["model"]["vocab"]))
    # numpy's PCG64 and plain products: torch's normal draws differ in their last bits between processors.
    random = numpy.random.Generator(numpy.random.PCG64(model.seed))
    tensors: dict[str, Any] = {}
    for name, shape in _shapes(config):
        # Uniform with standard deviation 1/sqrt(fan-in): logits of order 1, so a few dozen updates show in the loss.
        width = (3.0 / shape[-1]) ** 0.5
        values = numpy.ones(shape) if len(shape) == 1 else random.uniform(-width, width, shape)
        tensors[name] = values.astype(numpy.float32)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    write_json(folder / "config.json", config)


def _config(words: int) -> dict[str, Any]:
    return {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": words, "hidden_size": 64,
            "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
            "head_dim": 16, "hidden_act": "silu", "max_position_embeddings": 2048, "rms_norm_eps": 1e-05,
            "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}, "tie_word_embeddings": True,
            "attention_bias": False, "mlp_bias": False, "attention_dropout": 0.0, "initializer_range": 0.02,
            "bos_token_id": None, "eos_token_id": 2, "pad_token_id": 0, "dtype": "float32", "use_cache": True}


def _shapes(config: dict[str, Any]) -> list[tuple[str, tuple[int, ...]]]:
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    keys = config["num_key_value_heads"] * config["head_dim"]
    shapes: list[tuple[str, tuple[int, ...]]] = [("model.embed_tokens.weight", (config["vocab_size"], hidden))]
    for layer in range(config["num_hidden_layers"]):
        block = {"self_attn.q_proj": (hidden, hidden), "self_attn.k_proj": (keys, hidden),
                 "self_attn.v_proj": (keys, hidden), "self_attn.o_proj": (hidden, hidden),
                 "mlp.gate_proj": (wide, hidden), "mlp.up_proj": (wide, hidden), "mlp.down_proj": (hidden, wide),
                 "input_layernorm": (hidden,), "post_attention_layernorm": (hidden,)}
        shapes += [(f"model.layers.{layer}.{name}.weight", shape) for name, shape in block.items()]
    return [*shapes, ("model.norm.weight", (hidden,))]
