// A text with the masks that were drawn for it: what a picture shows and what is counted of a batch.

using BgeSharp.Text;
using BgeSharp.Training.Data.Batches;

namespace BgeSharp.Cli.Reports;

/// <summary>What became of a token in the encoder's input.</summary>
internal enum EncoderSight
{
    /// <summary>Itself, and not to be named.</summary>
    Plain,

    /// <summary>The mask token.</summary>
    Mask,

    /// <summary>Another token.</summary>
    Other,

    /// <summary>Itself, but to be named.</summary>
    Kept,
}

/// <summary>A text and its masks.</summary>
/// <param name="Ids">[n], the text with its special tokens.</param>
/// <param name="Masked">[n], as the encoder sees it.</param>
/// <param name="Named">Positions the encoder must name.</param>
/// <param name="Hidden">[n, n], row-major; true where decoder row i may not see column j.</param>
internal sealed record MaskedText(int[] Ids, int[] Masked, HashSet<int> Named, bool[] Hidden)
{
    /// <summary>What stands above the text; empty for nothing.</summary>
    public string Caption { get; init; } = "";

    /// <summary>The texts of a batch, each without the batch's padding.</summary>
    /// <param name="batch">Has decoder rows with draws of their own.</param>
    public static MaskedText[] Of(RetroMaeBatch batch)
    {
        TokenBatch texts = batch.Original;
        int length = texts.MaxLength;
        bool[] hidden = batch.Hidden!();       // [B, L, L]
        return [.. Enumerable.Range(0, texts.Count).Select(i =>
        {
            int start = texts.Offsets[i], n = texts.LengthOf(i);
            HashSet<int> named = [.. batch.Encoder.Rows.Where(row => row >= start && row < start + n).Select(row => (int)row - start)];
            return new MaskedText(texts[i].ToArray(), batch.Encoder.Texts[i].ToArray(), named, Corner(hidden.AsSpan(i * length * length, length * length), length, n));
        })];
    }

    /// <summary>The first tokens, and what their decoder rows see of each other.</summary>
    /// <param name="tokens">Most tokens.</param>
    public MaskedText Start(int tokens)
    {
        int n = Math.Min(tokens, Ids.Length);
        return this with { Ids = Ids[..n], Masked = Masked[..n], Named = [.. Named.Where(i => i < n)], Hidden = Corner(Hidden, Ids.Length, n) };
    }

    /// <summary>How the encoder sees a token.</summary>
    /// <param name="position">Place of the token.</param>
    /// <param name="mask">Id of the mask token.</param>
    public EncoderSight SightOf(int position, int mask)
        => !Named.Contains(position) ? EncoderSight.Plain
            : Masked[position] == mask ? EncoderSight.Mask
            : Masked[position] == Ids[position] ? EncoderSight.Kept : EncoderSight.Other;

    /// <summary>For each decoder row that enters the loss, the share it may not see of the tokens that can be hidden from it: all but special ones and its own.</summary>
    /// <param name="tokenizer">Tells special tokens.</param>
    public IEnumerable<double> HiddenShares(ITokenizer tokenizer)
    {
        bool[] hideable = [.. Ids.Select(id => !tokenizer.IsSpecial(id))];
        for (int row = 1; row < Ids.Length - 1; row++)
        {
            (int columns, int hidden) = (0, 0);
            for (int column = 0; column < Ids.Length; column++)
            {
                if (hideable[column] && column != row)
                {
                    columns++;
                    hidden += Hidden[(row * Ids.Length) + column] ? 1 : 0;
                }
            }
            if (columns > 0)
            {
                yield return hidden / (double)columns;
            }
        }
    }

    private static bool[] Corner(ReadOnlySpan<bool> square, int stride, int n)
    {
        var corner = new bool[n * n];
        for (int row = 0; row < n; row++)
        {
            square.Slice(row * stride, n).CopyTo(corner.AsSpan(row * n));
        }
        return corner;
    }
}
