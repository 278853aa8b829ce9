// What RetroMAE hides: whole words from the encoder, and from each decoder row a draw of its own.        Xiao et al. 2022, section 3
// Differences from the public code, on purpose: the ratio is true at every length (no cap of 512), special tokens are never hidden whatever the
// tokenizer calls them and no random id is one of them, h stays visible to every decoder row, and every row is drawn independently (their eq. 7); a pool, as in the public code, is an option.
// A text's masks depend on its seed alone: not on batch, thread or rank.

using BgeSharp.Text;

namespace BgeSharp.Training.Data.Batches;

/// <summary>Draws the masks of one text.</summary>
/// <param name="tokenizer">Tells special tokens and word pieces.</param>
/// <param name="encoderRatio">Share of tokens hidden from the encoder, in (0, 1).</param>
/// <param name="decoderRatio">Share of words hidden from a decoder row, in (0, 1).</param>
/// <param name="pool">Draws that the decoder rows of a text share (the public code has 128 or 256); 0 for a draw a row.</param>
/// <param name="words">Joins Han characters into words that are hidden whole; null hides them one by one.</param>
public sealed class RetroMaeMasks(ITokenizer tokenizer, double encoderRatio, double decoderRatio, int pool = 0, HanWords? words = null)
{
    private readonly WordSpans _spans = new(tokenizer, words);

    /// <summary>Masks a text for the encoder: 80 % of the chosen tokens become [MASK], 10 % a random id, 10 % stay.</summary>
    /// <param name="ids">The text with its special tokens.</param>
    /// <param name="masked">Receives the text as the encoder sees it; as long as <paramref name="ids"/>.</param>
    /// <param name="random">Seeded for this text.</param>
    /// <returns>Positions the encoder must name, ascending.</returns>
    public List<int> MaskForEncoder(ReadOnlySpan<int> ids, Span<int> masked, ref SeededRandom random)
    {
        ids.CopyTo(masked);
        List<int> chosen = Choose(ids, encoderRatio, ref random);
        foreach (int i in chosen)
        {
            int tenth = random.Next(10);
            if (tenth < 8)
            {
                masked[i] = tokenizer.Special.Mask;
            }
            else if (tenth == 8)
            {
                masked[i] = AnyWord(ref random);
            }
        }
        return chosen;
    }

    /// <summary>Masks a text for plain decoding: every chosen token becomes [MASK].</summary>
    /// <param name="ids">The text with its special tokens.</param>
    /// <param name="masked">Receives the text as the decoder sees it; as long as <paramref name="ids"/>.</param>
    /// <param name="random">Seeded for this text.</param>
    /// <returns>Positions the decoder must name, ascending.</returns>
    public List<int> MaskForPlainDecoder(ReadOnlySpan<int> ids, Span<int> masked, ref SeededRandom random)
    {
        ids.CopyTo(masked);
        List<int> chosen = Choose(ids, decoderRatio, ref random);
        foreach (int i in chosen)
        {
            masked[i] = tokenizer.Special.Mask;
        }
        return chosen;
    }

    // A special token in the middle of a text would say something: [MASK] to be named, a padding token positions of another text.
    private int AnyWord(ref SeededRandom random)
    {
        int id = random.Next(tokenizer.VocabularySize);
        for (int tries = 0; tries < 100 && tokenizer.IsSpecial(id); tries++)       // a vocabulary of special tokens alone ends too
        {
            id = random.Next(tokenizer.VocabularySize);
        }
        return id;
    }

    // Whole words at random until the share is reached; ascending.
    private List<int> Choose(ReadOnlySpan<int> ids, double ratio, ref SeededRandom random)
    {
        List<(int Start, int End)> words = _spans.Of(ids);
        int maskable = words.Sum(w => w.End - w.Start);
        // A part of a token is hidden as often as it is large, so that the ratio holds for short texts too.
        double exact = maskable * ratio;
        int wanted = Math.Max(1, (int)exact + (random.NextDouble() < exact - (int)exact ? 1 : 0));
        random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(words));
        var chosen = new List<int>(wanted);
        foreach ((int start, int end) in words)
        {
            // A word that is longer than what is left is taken as often as keeps the share right in the mean: left out always, long words would never be named.
            int left = wanted - chosen.Count, length = end - start;
            if (left <= 0 || (length > left && random.Next(length) >= left))
            {
                break;
            }
            for (int i = start; i < end; i++)
            {
                chosen.Add(i);
            }
        }
        chosen.Sort();
        return chosen;
    }

    /// <summary>Draws which columns each decoder row may not see.</summary>
    /// <param name="ids">The text with its special tokens, n of them.</param>
    /// <param name="hidden">[n, stride], row-major; receives true where row i may not see column j; cells at j ≥ n are left alone.</param>
    /// <param name="stride">Length of a row of <paramref name="hidden"/>, at least n.</param>
    /// <param name="random">Seeded for this text.</param>
    public void MaskForDecoder(ReadOnlySpan<int> ids, Span<bool> hidden, int stride, ref SeededRandom random)
    {
        List<(int Start, int End)> words = _spans.Of(ids);
        int drawn = pool == 0 ? ids.Length : Math.Min(pool, ids.Length);
        for (int i = 0; i < drawn; i++)
        {
            DrawRow(words, hidden.Slice(i * stride, ids.Length), ref random);
        }
        if (pool > 0)
        {
            bool[] draws = new bool[drawn * ids.Length];
            for (int i = 0; i < drawn; i++)
            {
                hidden.Slice(i * stride, ids.Length).CopyTo(draws.AsSpan(i * ids.Length));
            }
            for (int i = 0; i < ids.Length; i++)
            {
                draws.AsSpan(random.Next(drawn) * ids.Length, ids.Length).CopyTo(hidden[(i * stride)..]);
            }
        }
        for (int i = 0; i < ids.Length; i++)
        {
            hidden[(i * stride) + i] = true;     // never itself
            hidden[i * stride] = false;          // always h
        }
    }

    private void DrawRow(List<(int Start, int End)> words, Span<bool> row, ref SeededRandom random)
    {
        ulong threshold = (ulong)Math.Round(decoderRatio * 65536);
        row.Clear();
        ulong bits = 0;
        for (int w = 0; w < words.Count; w++)
        {
            bits = (w & 3) == 0 ? random.NextBits() : bits >> 16;      // four draws of 16 bits from each number
            if ((bits & 0xffff) < threshold)
            {
                row[words[w].Start..words[w].End].Fill(true);
            }
        }
    }
}
