// Documents → token ids of at most a length, cut at sentence ends or after so many tokens. For sentence ends: how many characters fill that length differs by language and vocabulary (one a token in Chinese, four
// and more in English), so each document says it for itself: its characters over its tokens. What is too long all the same is cut again; tokens are lost only where 16 characters are more of them than a text may have.

using BgeSharp.Text;

namespace BgeSharp.Training.Data;

/// <summary>Cuts documents into tokenised texts.</summary>
public static class TokenChunks
{
    private const int LeastCharacters = 16;

    /// <summary>Texts of all documents, in order, with their special tokens. Streaming: one document at a time.</summary>
    /// <param name="documents">Documents to cut.</param>
    /// <param name="tokenizer">Counts and encodes.</param>
    /// <param name="maxLength">Longest text in tokens, special tokens included; at least 16.</param>
    public static IEnumerable<int[]> Of(IEnumerable<Document> documents, ITokenizer tokenizer, int maxLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 16);
        return documents.SelectMany(d => Of(TextChunks.Whole(d), tokenizer, maxLength));
    }

    /// <summary>Texts of all documents, in order, as full as they can be: cut after every so many tokens, wherever that is, within sentences and words too.</summary>
    /// <param name="documents">Documents to cut; none runs into the next one.</param>
    /// <param name="tokenizer">Encodes.</param>
    /// <param name="maxLength">Length of a text in tokens, special tokens included; at least 16. A document's last text is what is left.</param>
    public static IEnumerable<int[]> Full(IEnumerable<Document> documents, ITokenizer tokenizer, int maxLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 16);
        return documents.SelectMany(d => tokenizer.Encode(TextChunks.Whole(d)).Chunk(maxLength - 2)).Select(ids => (int[])[tokenizer.Special.Cls, .. ids, tokenizer.Special.Sep]);
    }

    private static IEnumerable<int[]> Of(string text, ITokenizer tokenizer, int maxLength)
    {
        double perToken = text.Length / (double)Math.Max(1, tokenizer.Encode(text).Length);
        int usual = (int)Math.Clamp(perToken * (maxLength - 2), LeastCharacters, int.MaxValue / 2);
        for (int start = 0; start < text.Length;)
        {
            (int end, int[] ids) = Next(text, start, usual, tokenizer, maxLength);
            start = end;
            if (ids.Length > 0)
            {
                yield return ids;
            }
        }
    }

    private static (int End, int[] Ids) Next(string text, int start, int usual, ITokenizer tokenizer, int maxLength)
    {
        for (int room = usual; ;)
        {
            int end = TextChunks.Cut(text, start, room);
            string chunk = text[start..end].Trim();
            int[] ids = chunk.Length == 0 ? [] : tokenizer.EncodeWithSpecial(chunk);
            if (ids.Length <= maxLength)
            {
                return (end, ids);
            }
            if (room <= LeastCharacters)
            {
                return (end, tokenizer.EncodeWithSpecial(chunk, maxLength));      // characters of several tokens each: the end is lost
            }
            room = Math.Max(LeastCharacters, Math.Min(end - start - 1, (int)((end - start) * 0.95 * maxLength / ids.Length)));
        }
    }
}
