// MCLS (M3-Embedding 2024, section 3.4): a [CLS] before every so many tokens of a long text, the mean of their hidden vectors as its embedding. It needs no training,
// costs one token in every so many, and helps a model that was fine-tuned on short texts; a text of one stretch gets exactly its [CLS] embedding.

using BgeSharp.Embeddings;
using BgeSharp.Text;

namespace BgeSharp.Training.Modeling;

/// <summary>Dense embeddings by several [CLS]. Not thread-safe.</summary>
public sealed class MultiClsEncoder : IEncoder
{
    private readonly Encoder _network;
    private readonly int _cls;
    private readonly int _every;

    /// <param name="network">The model.</param>
    /// <param name="cls">Id of [CLS].</param>
    /// <param name="every">Tokens between two [CLS]; the paper takes 256. At least 1.</param>
    public MultiClsEncoder(Encoder network, int cls, int every)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(every, 1);
        (_network, _cls, _every) = (network, cls, every);
        // The longest text that still fits with its [CLS] put in.
        int longest = network.Config.MaxLength;
        while (longest > 2 && longest + Added(longest) > network.Config.MaxLength)
        {
            longest--;
        }
        MaxLength = longest;
    }

    /// <inheritdoc/>
    public int Dimension => _network.Config.HiddenSize;

    /// <inheritdoc/>
    public int MaxLength { get; }

    /// <inheritdoc/>
    public M3Embedding[] Encode(TokenBatch batch)
    {
        if (batch.Count == 0)
        {
            return [];
        }
        (TokenBatch spread, long[] places, int[] counts) = Spread(batch);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var text = new PackedText(spread, _network.Config, _network.Weights.Compute.Device);
        Tensor rows = _network.Forward(text, training: false).index_select(0, tensor(places).to(_network.Weights.Compute.Device));   // [all CLS, D]
        float[] values = rows.to_type(ScalarType.Float32).cpu().data<float>().ToArray();
        var result = new M3Embedding[batch.Count];
        for (int i = 0, at = 0; i < result.Length; at += counts[i++])
        {
            var mean = new double[Dimension];
            for (int row = at; row < at + counts[i]; row++)
            {
                for (int d = 0; d < mean.Length; d++)
                {
                    mean[d] += values[(row * Dimension) + d];
                }
            }
            double norm = Math.Max(1e-12, Math.Sqrt(mean.Sum(m => m * m)));
            result[i] = new M3Embedding([.. mean.Select(m => (float)(m / norm))]);
        }
        return result;
    }

    /// <summary>Puts [CLS] before every stretch but the first, which has one; also gives where all [CLS] stand among the packed tokens and how many each text has.</summary>
    public (TokenBatch Spread, long[] Places, int[] Counts) Spread(TokenBatch batch)
    {
        var places = new List<long>();
        var texts = new int[batch.Count][];
        var counts = new int[batch.Count];
        int before = 0;
        for (int i = 0; i < texts.Length; i++)
        {
            var ids = new List<int>();
            ReadOnlySpan<int> given = batch[i];
            for (int t = 0; t < given.Length; t++)
            {
                // Token 0 is [CLS] and the last one the end; what is between is cut into stretches.
                bool first = t == 0, starts = t > 1 && (t - 1) % _every == 0 && t < given.Length - 1;
                if (starts)
                {
                    places.Add(before + ids.Count);
                    ids.Add(_cls);
                }
                if (first)
                {
                    places.Add(before);
                }
                ids.Add(given[t]);
            }
            counts[i] = 1 + Added(given.Length);
            before += ids.Count;
            texts[i] = [.. ids];
        }
        return (TokenBatch.Of(texts), [.. places], counts);
    }

    // Stretches beyond the first of a text of so many tokens, [CLS] and end among them.
    private int Added(int tokens) => Math.Max(0, (tokens - 3) / _every);
}
