// A masked batch as plain arrays, made on a background thread; the training thread turns it into tensors.

using BgeSharp.Text;

namespace BgeSharp.Training.Data.Batches;

/// <summary>How the decoder of a batch is fed.</summary>
public enum DecoderMasks
{
    /// <summary>No decoder.</summary>
    None,

    /// <summary>Each row sees a draw of its own (enhanced decoding).</summary>
    Rows,

    /// <summary>One draw a text, masked in the text itself (plain decoding).</summary>
    Text,
}

/// <summary>Tokens to name.</summary>
/// <param name="Texts">The batch as it is seen.</param>
/// <param name="Rows">[M], packed rows to name.</param>
/// <param name="Targets">[M], their ids.</param>
public sealed record MaskedTokens(TokenBatch Texts, long[] Rows, long[] Targets);

/// <summary>Texts with their masks.</summary>
/// <param name="Original">The texts.</param>
/// <param name="Encoder">What the encoder sees and names.</param>
/// <param name="Decoder">What plain decoding sees and names; null without it.</param>
/// <param name="Hidden">Draws [B, L, L], the same at each call: true where a decoder row may not see a column; padding columns are hidden, but column 0 is not.
/// Batches that wait for their turn do not hold it (a text of 8,192 tokens has 67 MB of it). Null without enhanced decoding.</param>
public sealed record RetroMaeBatch(TokenBatch Original, MaskedTokens Encoder, MaskedTokens? Decoder, Func<bool[]>? Hidden)
{
    /// <summary>Reads the rows of a batch and draws their masks.</summary>
    /// <param name="store">The texts.</param>
    /// <param name="rows">Rows of the batch.</param>
    /// <param name="masks">Draws the masks.</param>
    /// <param name="seed">Seed of the run; each text's own seed is made of it, its row and the epoch-like <paramref name="round"/>.</param>
    /// <param name="round">Batch number, so that a text met again is masked anew.</param>
    /// <param name="decoder">What the decoder needs.</param>
    public static RetroMaeBatch Draw(TokenStore store, int[] rows, RetroMaeMasks masks, long seed, long round, DecoderMasks decoder = DecoderMasks.Rows)
    {
        TokenBatch original = TokenBatch.Of([.. rows.Select(r => store[r].ToArray())]);
        var encoder = new Collected(original);
        Collected? plain = decoder == DecoderMasks.Text ? new Collected(original) : null;
        var randoms = new SeededRandom[rows.Length];
        for (int i = 0; i < rows.Length; i++)
        {
            randoms[i] = new SeededRandom(HashCodes.Of(seed, rows[i], round));
            encoder.Add(i, masks.MaskForEncoder(original[i], encoder.Of(i), ref randoms[i]));
            plain?.Add(i, masks.MaskForPlainDecoder(original[i], plain.Of(i), ref randoms[i]));
        }
        return new RetroMaeBatch(original, encoder.Build(), plain?.Build(), decoder == DecoderMasks.Rows ? () => Squares(original, masks, randoms) : null);
    }

    /// <summary>The same batch with <see cref="Hidden"/> drawn now, for a batch whose turn comes next.</summary>
    public RetroMaeBatch Drawn()
    {
        bool[]? hidden = Hidden?.Invoke();
        return hidden is null ? this : this with { Hidden = () => hidden };
    }

    private static bool[] Squares(TokenBatch texts, RetroMaeMasks masks, SeededRandom[] randoms)
    {
        int length = texts.MaxLength;
        var hidden = new bool[checked(texts.Count * length * length)];
        for (int i = 0; i < texts.Count; i++)
        {
            Span<bool> square = hidden.AsSpan(i * length * length, length * length);
            square.Fill(true);
            for (int row = 0; row < length; row++)
            {
                square[row * length] = false;
            }
            SeededRandom random = randoms[i];
            masks.MaskForDecoder(texts[i], square, length, ref random);
        }
        return hidden;
    }

    // Masked ids and what to name, text by text.
    private sealed class Collected(TokenBatch original)
    {
        private readonly int[] _ids = new int[original.TokenCount];
        private readonly List<long> _rows = [];
        private readonly List<long> _targets = [];

        public Span<int> Of(int text) => _ids.AsSpan(original.Offsets[text], original.LengthOf(text));

        public void Add(int text, List<int> positions)
        {
            foreach (int position in positions)
            {
                _rows.Add(original.Offsets[text] + position);
                _targets.Add(original[text][position]);
            }
        }

        public MaskedTokens Build() => new(new TokenBatch(_ids, original.Offsets), [.. _rows], [.. _targets]);
    }
}
