"""Makes files/checkpoints: what the readers and writers of checkpoints are checked against.

    python3 -m venv venv && venv/bin/pip install gguf==0.19.0 numpy torch transformers==5.24.0
    venv/bin/python Tests/ModelsTests/Golden/make_checkpoint_goldens.py

blocks.gguf      for each block type of GGUF: blocks of random bytes with extreme scales, and what
                 `gguf.quants.dequantize` makes of them, in float32, under `<type>.values`
sharded, sharded-bf16, sharded-f16
                 the model of files/tiny-untied as transformers saves it in shards, in each type
split-0000*      the same as the gguf package writes it in parts, as llama.cpp's converter names and orders it
quantised.gguf   values with ties, subnormals and zeros under `x`, and what `gguf.quants.quantize` makes of them
"""

import pathlib

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from transformers import LlamaForCausalLM

HERE = pathlib.Path(__file__).parent / "files" / "checkpoints"
# Where a block keeps the binary16 numbers that scale it.
HALVES = {
    Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0], Type.IQ4_NL: [0],
    Type.Q2_K: [80, 82], Type.Q3_K: [108], Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208],
    Type.IQ4_XS: [0],
}
EXTREMES = np.array([65504, -65504, 2.0**-24, -(2.0**-24), 0.0, -0.0, 0.0999, 1.0], np.float16)


def writer(name):
    file = gguf.GGUFWriter(HERE / name, "llama")
    file.add_string("general.name", "checks of numbers")
    return file


def close(file):
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()


def blocks():
    random = np.random.default_rng(11)
    file = writer("blocks.gguf")
    for kind, halves in HALVES.items():
        values, size = gguf.GGML_QUANT_SIZES[kind]
        # Large blocks in rows of one, small ones in rows of two.
        count = 4 if values == 256 else 8
        data = random.integers(0, 256, (count, size), np.uint8)
        for at, half in enumerate(halves):
            for block in range(count):
                extreme = EXTREMES[(block + 3 * at) % len(EXTREMES)]
                data[block, half : half + 2] = np.frombuffer(extreme.tobytes(), np.uint8)
        data = data.reshape(-1, size if values == 256 else 2 * size)
        wide = gguf.quants.dequantize(data, kind)
        assert np.isfinite(wide).all()
        file.add_tensor(kind.name, data, raw_dtype=kind)
        file.add_tensor(kind.name + ".values", wide.astype(np.float32))
    close(file)


def quantised():
    random = np.random.default_rng(12)
    x = (random.standard_normal((8, 64)) * 10.0 ** random.integers(-4, 4, (8, 1))).astype(np.float32)
    x[1] = 0
    x[2] = np.arange(64) * np.float32(0.5) - 16  # ties in every 16-bit form and in steps of d
    x[2, 0] = x[2, 32] = 127
    x[3] = np.float32(2.0**-26) * np.arange(64)  # subnormal halves
    x[5, 32:] = np.float32(2.0**-118) * np.arange(32)  # a scale that is 0 as a half
    x[4, ::2] = -np.abs(x[4, ::2])
    file = writer("quantised.gguf")
    file.add_tensor("x", x)
    for kind in [Type.F16, Type.BF16, Type.Q8_0]:
        file.add_tensor(kind.name, gguf.quants.quantize(x, kind), raw_dtype=kind)
    close(file)


def sharded():
    for name, kind in [("sharded", torch.float32), ("sharded-bf16", torch.bfloat16), ("sharded-f16", torch.float16)]:
        model = LlamaForCausalLM.from_pretrained(HERE.parent / "tiny-untied", dtype=kind)
        model.save_pretrained(HERE / name, max_shard_size="40KB" if kind == torch.float32 else "20KB")
        (HERE / name / "generation_config.json").unlink(missing_ok=True)


def split():
    model = LlamaForCausalLM.from_pretrained(HERE.parent / "tiny-untied", dtype=torch.float32)
    c = model.config
    file = gguf.GGUFWriter(HERE / "split.gguf", "llama", split_max_tensors=8)
    file.add_block_count(c.num_hidden_layers)
    file.add_embedding_length(c.hidden_size)
    file.add_feed_forward_length(c.intermediate_size)
    file.add_context_length(c.max_position_embeddings)
    file.add_head_count(c.num_attention_heads)
    file.add_head_count_kv(c.num_key_value_heads)
    file.add_rope_dimension_count(c.head_dim)
    file.add_rope_freq_base(c.rope_parameters["rope_theta"])
    file.add_layer_norm_rms_eps(c.rms_norm_eps)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, c.num_hidden_layers)
    for name, value in model.state_dict().items():
        value = value.numpy()
        heads = {"q_proj": c.num_attention_heads, "k_proj": c.num_key_value_heads}.get(name.split(".")[-2])
        if heads:
            value = value.reshape(heads, 2, -1, value.shape[1]).swapaxes(1, 2).reshape(value.shape)
        file.add_tensor(names.get_name(name, (".weight",)), np.ascontiguousarray(value))
    close(file)


if __name__ == "__main__":
    HERE.mkdir(parents=True, exist_ok=True)
    blocks()
    quantised()
    sharded()
    split()
