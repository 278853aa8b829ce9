// A model as evaluation sees it: an encoder, its tokenizer, and how each side of a search is put to it. Whatever runtime computes, figures come from here,
// so that a dev metric during training and a report afterwards are the same code.

using BgeSharp.Embeddings;
using BgeSharp.Retrieval.Embedded;
using BgeSharp.Text;

namespace BgeSharp.Evaluation.Models;

/// <summary>Encoder, tokenizer and settings.</summary>
/// <param name="encoder">Gives dense vectors, and lexical weights and multi-vectors if it can.</param>
/// <param name="tokenizer">The encoder's tokenizer.</param>
public sealed class EvaluatedModel(IEncoder encoder, ITokenizer tokenizer)
{
    /// <summary>Computes.</summary>
    public IEncoder Encoder { get; } = encoder;

    /// <summary>Vocabulary.</summary>
    public ITokenizer Tokenizer { get; } = tokenizer;

    /// <summary>D.</summary>
    public int Dimension => Encoder.Dimension;

    /// <summary>Longest query in tokens, special tokens and instruction included.</summary>
    public int QueryMaxLength { get; init; } = 512;

    /// <summary>Longest passage in tokens, special tokens included.</summary>
    public int PassageMaxLength { get; init; } = 512;

    /// <summary>Put before each query.</summary>
    public string QueryInstruction { get; init; } = "";

    /// <summary>Put before each passage.</summary>
    public string PassageInstruction { get; init; } = "";

    /// <summary>Tokens of a batch.</summary>
    public int BatchTokens { get; init; } = 8192;

    /// <summary>Called after each batch, of whatever is encoded: texts done and in all (0 where that is not known). What it throws ends the work.</summary>
    public Action<int, int>? Progress { get; init; }

    /// <summary>Says in one line what the figures depend on beside the weights, for reports and for saved embeddings.</summary>
    public string Settings => FormattableString.Invariant(
        $"query {QueryMaxLength} tokens, passage {PassageMaxLength} tokens, query instruction \"{QueryInstruction}\", passage instruction \"{PassageInstruction}\"{Length}");

    private string Length => Encoder is ShortenedEncoder cut ? FormattableString.Invariant($", first {cut.Dimension} of {cut.WholeDimension} numbers") : "";

    /// <summary>All outputs of the encoder, in the order of the texts, streaming.</summary>
    /// <param name="texts">Read one window at a time.</param>
    /// <param name="side">Decides instruction and length.</param>
    /// <param name="outputs">What to compute.</param>
    /// <param name="progress">Called with the number of texts encoded so far.</param>
    public IEnumerable<M3Embedding> Encode(IEnumerable<string> texts, TextSide side, EmbeddingModes outputs = EmbeddingModes.Dense, Action<int>? progress = null)
    {
        int all = texts.TryGetNonEnumeratedCount(out int count) ? count : 0;
        return InBatches(texts, side, outputs, done =>
        {
            progress?.Invoke(done);
            Progress?.Invoke(done, all);
        });
    }

    private IEnumerable<M3Embedding> InBatches(IEnumerable<string> texts, TextSide side, EmbeddingModes outputs, Action<int> progress)
    {
        (string instruction, int length) = side switch
        {
            TextSide.Query => (QueryInstruction, QueryMaxLength),
            TextSide.Passage => (PassageInstruction, PassageMaxLength),
            _ => ("", PassageMaxLength),
        };
        return new TextEncoder(Encoder, Tokenizer) { BatchTokens = BatchTokens, Modes = outputs }
            .Encode(instruction.Length > 0 ? texts.Select(t => instruction + t) : texts, length, progress);
    }

    /// <summary>Embeds a corpus for searching.</summary>
    /// <param name="passages">Read once, streaming; with a folder its beginning is read twice.</param>
    /// <param name="outputs">What to compute.</param>
    /// <param name="folder">Keeps the embeddings, and takes those that fit: with more outputs than these it serves as it is, with others it is made anew with both. Null embeds in memory.</param>
    /// <param name="key">Identifies the model's weights where embeddings are kept.</param>
    public EmbeddedCorpus Embed(IEnumerable<string> passages, EmbeddingModes outputs, string? folder, string key)
    {
        int done = 0, all = passages.TryGetNonEnumeratedCount(out int count) ? count : 0;
        EmbeddingModes kept = folder is null ? outputs : outputs | EmbeddedCorpus.OutputsIn(folder, passages, KeyOf);
        IEnumerable<M3Embedding> Compute(IEnumerable<string> texts)
        {
            int before = done;
            return InBatches(texts, TextSide.Passage, kept, n =>
            {
                done = before + n;
                Progress?.Invoke(done, all);
            });
        }
        string KeyOf(EmbeddingModes made) => $"{key} {made} passage {PassageMaxLength} \"{PassageInstruction}\"{Length}";
        return folder is null ? EmbeddedCorpus.InMemory(Compute(passages)) : EmbeddedCorpus.InFolder(folder, passages, KeyOf(kept), Compute);
    }

    /// <summary>Dense vectors.</summary>
    /// <returns>[texts, D] row-major.</returns>
    /// <exception cref="BadInput">The encoder gives no dense vectors, or they do not fit one array.</exception>
    public float[] Dense(IReadOnlyList<string> texts, TextSide side, Action<int>? progress = null)
    {
        if ((long)texts.Count * Dimension > Array.MaxLength)
        {
            throw new BadInput($"{texts.Count} vectors of {Dimension} numbers do not fit one array; use a saved index.");
        }
        var vectors = new float[texts.Count * Dimension];
        int row = 0;
        foreach (M3Embedding embedding in Encode(texts, side, EmbeddingModes.Dense, progress))
        {
            (embedding.Dense ?? throw new BadInput("this model gives no dense vectors; measure another mode.")).CopyTo(vectors, row++ * Dimension);
        }
        return vectors;
    }
}
