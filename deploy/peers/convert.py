"""SmolLM2's GGUF file as a folder of Hugging Face's, in float32: the same weights for all programs.

convert.py MODEL.gguf FOLDER
"""

import sys

import gguf
import numpy
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

reader = gguf.GGUFReader(sys.argv[1])
fields = {name: field.contents() for name, field in reader.fields.items()}
found = {
    tensor.name: numpy.ascontiguousarray(gguf.quants.dequantize(tensor.data, tensor.tensor_type), dtype=numpy.float32)
    for tensor in reader.tensors
}


def number(key):
    return fields["llama." + key]


heads, key_heads = number("attention.head_count"), number("attention.head_count_kv")
shape = LlamaConfig(
    vocab_size=len(fields["tokenizer.ggml.tokens"]),
    hidden_size=number("embedding_length"),
    intermediate_size=number("feed_forward_length"),
    num_hidden_layers=number("block_count"),
    num_attention_heads=heads,
    num_key_value_heads=key_heads,
    max_position_embeddings=number("context_length"),
    rms_norm_eps=number("attention.layer_norm_rms_epsilon"),
    rope_theta=number("rope.freq_base"),
    tie_word_embeddings=True,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=2,
)


def halves(weight, count):
    """GGUF has the rotary pairs of a head beside each other, Hugging Face its two halves behind each other."""
    rows, columns = weight.shape
    return weight.reshape(count, rows // count // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


weights = {"model.embed_tokens.weight": found["token_embd.weight"], "model.norm.weight": found["output_norm.weight"]}
names = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
for layer in range(shape.num_hidden_layers):
    for short, long in names.items():
        weight = found[f"blk.{layer}.{short}.weight"]
        if short in ("attn_q", "attn_k"):
            weight = halves(weight, heads if short == "attn_q" else key_heads)
        weights[f"model.layers.{layer}.{long}.weight"] = weight
model = LlamaForCausalLM(shape)
missing, unexpected = model.load_state_dict(
    {name: torch.from_numpy(numpy.ascontiguousarray(weight)) for name, weight in weights.items()}, strict=False
)
assert missing == ["lm_head.weight"] and not unexpected, (missing, unexpected)
model.tie_weights()
model.save_pretrained(sys.argv[2])

pairs = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]]
tokens = fields["tokenizer.ggml.tokens"]
tokenizer = Tokenizer(models.BPE(vocab={token: index for index, token in enumerate(tokens)}, merges=pairs))
tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
    [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
)
tokenizer.decoder = decoders.ByteLevel()
control = 3
tokenizer.add_special_tokens(
    [
        AddedToken(token, special=True, normalized=False)
        for token, kind in zip(tokens, fields["tokenizer.ggml.token_type"])
        if kind == control
    ]
)
fast = PreTrainedTokenizerFast(
    tokenizer_object=tokenizer,
    bos_token="<|im_start|>",
    eos_token="<|im_end|>",
    pad_token="<|im_end|>",
    unk_token="<|endoftext|>",
    padding_side="left",
)
fast.chat_template = fields["tokenizer.chat_template"]
fast.save_pretrained(sys.argv[2])
