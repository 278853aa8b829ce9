// The plain side of "retromae": RetroMAE as the public code computes it, written anew on TorchSharp and nothing else. Every operation over padded [B, L, ...] cells in
// float32, all logits of encoder and decoder whole, visibility as a float [B, 1, L, L]. A test compares its losses and gradients with the golden files.

using BgeSharp.Formats;
using BgeSharp.Training.Modeling;
#if BGESHARP_TESTS
using static TorchSharp.torch;
#endif

namespace BgeSharp.Benchmarks.RetroMae;

/// <summary>A padded batch as the public collator makes it.</summary>
/// <param name="EncoderIds">[B, L], masked.</param>
/// <param name="EncoderMask">[B, L], 1 for a token and 0 for padding.</param>
/// <param name="EncoderLabels">[B, L], ids to name, −100 elsewhere.</param>
/// <param name="DecoderIds">[B, L], unmasked.</param>
/// <param name="Visible">[B, L, L], 1 where row i may see column j.</param>
/// <param name="DecoderLabels">[B, L], −100 for the first and last token and padding.</param>
internal sealed record PublicBatch(Tensor EncoderIds, Tensor EncoderMask, Tensor EncoderLabels, Tensor DecoderIds, Tensor Visible, Tensor DecoderLabels);

/// <summary>The public computation, BERT and XLM-RoBERTa.</summary>
/// <param name="weights">Weights under their Hugging Face names.</param>
/// <param name="config">Sizes.</param>
/// <param name="positionQuery">True asks with position + h (the RetroMAE repository), false with LN(h + type + position) (FlagEmbedding).</param>
internal sealed class PublicRetroMae(Weights weights, ModelConfig config, bool positionQuery)
{
    private readonly bool _bert = config.Kind == ModelKind.Bert;
    private readonly string _prefix = config.Kind == ModelKind.Bert ? "bert." : "roberta.";

    /// <summary>Encoder and decoder loss, each a mean over its labels in nats.</summary>
    public (Tensor Encoder, Tensor Decoder) Losses(PublicBatch batch)
    {
        Tensor hidden = Encode(batch.EncoderIds, batch.EncoderMask);                                        // [B, L, D]
        Tensor encoder = CrossEntropy(Logits(hidden), batch.EncoderLabels);
        Tensor sentence = hidden.narrow(1, 0, 1);                                                           // [B, 1, D]
        Tensor tokens = Embed(Words(batch.DecoderIds), Positions(batch.DecoderIds), Pads(batch.DecoderIds)); // [B, L, D]
        long length = batch.DecoderIds.shape[1];
        Tensor keys = cat([sentence, tokens.narrow(1, 1, length - 1)], 1);                                  // [B, L, D]
        Tensor plain = PlainPositions(length, batch.DecoderIds.device);
        Tensor queries = positionQuery
            ? weights[$"{_prefix}embeddings.position_embeddings.weight"].index_select(0, plain).unsqueeze(0) + sentence
            : Embed(sentence.expand_as(tokens), plain.unsqueeze(0).expand_as(batch.DecoderIds), null);
        Tensor hiddenCells = Hide(batch.Visible.unsqueeze(1), queries.dtype);                               // [B, 1, L, L]
        Tensor rebuilt = Layer(queries, keys, hiddenCells, "c_head");
        return (encoder, CrossEntropy(Logits(rebuilt), batch.DecoderLabels));
    }

    private Tensor Encode(Tensor ids, Tensor mask)
    {
        Tensor rows = Embed(Words(ids), Positions(ids), Pads(ids));
        Tensor hidden = Hide(mask.unsqueeze(1).unsqueeze(1), rows.dtype);                                   // [B, 1, 1, L]
        for (int i = 0; i < config.LayerCount; i++)
        {
            rows = Layer(rows, rows, hidden, $"{_prefix}encoder.layer.{i}");
        }
        return rows;
    }

    // BertLayer: attention, output with residual, feed-forward with residual; the residual is the query.
    private Tensor Layer(Tensor queries, Tensor rows, Tensor hidden, string layer)
    {
        using var scope = NewDisposeScope();      // as reference counting frees what nothing needs any more
        long size = config.HiddenSize / config.HeadCount;
        Tensor q = Heads(Linear(queries, $"{layer}.attention.self.query"));                                 // [B, H, L, d]
        Tensor k = Heads(Linear(rows, $"{layer}.attention.self.key"));
        Tensor v = Heads(Linear(rows, $"{layer}.attention.self.value"));
        Tensor scores = (q.matmul(k.transpose(-1, -2)) / Math.Sqrt(size)) + hidden;                         // [B, H, L, L]
        Tensor context = Drop(scores.softmax(-1), config.AttentionDropout).matmul(v).permute(0, 2, 1, 3).contiguous().flatten(2);
        Tensor attended = Normalize(Drop(Linear(context, $"{layer}.attention.output.dense"), config.HiddenDropout) + queries, $"{layer}.attention.output.LayerNorm");
        Tensor inner = nn.functional.gelu(Linear(attended, $"{layer}.intermediate.dense"));                 // [B, L, F]
        return Normalize(Drop(Linear(inner, $"{layer}.output.dense"), config.HiddenDropout) + attended, $"{layer}.output.LayerNorm").MoveToOuterDisposeScope();

        Tensor Heads(Tensor x) => x.view(x.shape[0], x.shape[1], config.HeadCount, size).permute(0, 2, 1, 3);
    }

    // [B, L, V], every position.
    private Tensor Logits(Tensor rows)
    {
        using var scope = NewDisposeScope();
        (string dense, string norm, string bias) = _bert
            ? ("cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm", "cls.predictions.bias")
            : ("lm_head.dense", "lm_head.layer_norm", "lm_head.bias");
        Tensor inner = Normalize(nn.functional.gelu(Linear(rows, dense)), norm);
        return nn.functional.linear(inner, weights[$"{_prefix}embeddings.word_embeddings.weight"], weights[bias]).MoveToOuterDisposeScope();
    }

    private Tensor CrossEntropy(Tensor logits, Tensor labels)
    {
        using (logits)
        {
            return nn.functional.cross_entropy(logits.view(-1, config.VocabularySize), labels.view(-1), ignore_index: -100);
        }
    }

    private Tensor Words(Tensor ids) => weights[$"{_prefix}embeddings.word_embeddings.weight"].index_select(0, ids.flatten()).view(ids.shape[0], ids.shape[1], -1);

    // True where the word is the pad id, whose row learns nothing through the look-up (padding_idx).
    private Tensor Pads(Tensor ids) => ids.eq(config.PadTokenId).unsqueeze(2);

    private Tensor Embed(Tensor words, Tensor positions, Tensor? pads)
    {
        using var scope = NewDisposeScope();
        Tensor places = weights[$"{_prefix}embeddings.position_embeddings.weight"].index_select(0, positions.flatten()).view(positions.shape[0], positions.shape[1], -1);
        if (pads is not null)
        {
            words = where(pads, words.detach(), words);
            places = _bert ? places : where(pads, places.detach(), places);
        }
        Tensor sum = words + weights[$"{_prefix}embeddings.token_type_embeddings.weight"][0] + places;
        return Drop(Normalize(sum, $"{_prefix}embeddings.LayerNorm"), config.HiddenDropout).MoveToOuterDisposeScope();
    }

    // BERT 0, 1, 2 ...; XLM-R counts tokens from pad + 1, and pads stay at pad.
    private Tensor Positions(Tensor ids)
    {
        if (_bert)
        {
            return arange(ids.shape[1], device: ids.device).unsqueeze(0).expand_as(ids);
        }
        Tensor token = ids.ne(config.PadTokenId).to_type(ScalarType.Int64);
        return (token.cumsum(1) * token) + config.PadTokenId;
    }

    private Tensor PlainPositions(long length, Device device) => arange(length, device: device) + (_bert ? 0L : config.PadTokenId + 1L);

    // The smallest finite number where something is hidden, as the public code adds it.
    private static Tensor Hide(Tensor visible, ScalarType type) => (1 - visible.to_type(type)) * (type == ScalarType.Float64 ? double.MinValue : float.MinValue);

    private Tensor Linear(Tensor x, string layer) => nn.functional.linear(x, weights[$"{layer}.weight"], weights[$"{layer}.bias"]);

    private Tensor Normalize(Tensor x, string layer) => nn.functional.layer_norm(x, [x.shape[^1]], weights[$"{layer}.weight"], weights[$"{layer}.bias"], config.LayerNormEpsilon);

    private static Tensor Drop(Tensor x, double share) => share > 0 ? nn.functional.dropout(x, share, training: true) : x;
}
