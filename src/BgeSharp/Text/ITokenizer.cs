// What every tokenizer can do. WordPiece and Unigram implement it; TokenizerFile.Load picks the right one for a path.

namespace BgeSharp.Text;

/// <summary>Ids of the special tokens of a vocabulary.</summary>
/// <param name="Cls">Begins a text: [CLS] or &lt;s&gt;.</param>
/// <param name="Sep">Ends a text: [SEP] or &lt;/s&gt;.</param>
/// <param name="Pad">[PAD] or &lt;pad&gt;.</param>
/// <param name="Unk">[UNK] or &lt;unk&gt;.</param>
/// <param name="Mask">[MASK] or &lt;mask&gt;.</param>
public sealed record SpecialTokens(int Cls, int Sep, int Pad, int Unk, int Mask)
{
    /// <summary>True for any of the five.</summary>
    public bool Contains(int id) => id == Cls || id == Sep || id == Pad || id == Unk || id == Mask;
}

/// <summary>Text to ids and back. Implementations are thread-safe.</summary>
public interface ITokenizer
{
    /// <summary>Number of ids; every id is below it.</summary>
    int VocabularySize { get; }

    /// <summary>Ids of the special tokens.</summary>
    SpecialTokens Special { get; }

    /// <summary>True for a special token: one of <see cref="Special"/>, or another that the vocabulary marks as one.</summary>
    bool IsSpecial(int id) => Special.Contains(id);

    /// <summary>Ids of a text, without special tokens, not truncated.</summary>
    int[] Encode(string text);

    /// <summary>Ids of a text with its special tokens ([CLS] A [SEP]), cut to <paramref name="maxLength"/> tokens in all.</summary>
    /// <param name="text">Any UTF-16 text.</param>
    /// <param name="maxLength">Longest result, special tokens included; at least 2.</param>
    int[] EncodeWithSpecial(string text, int maxLength = int.MaxValue);

    /// <summary>Ids of a pair with its special tokens ([CLS] A [SEP] B [SEP]; XLM-R: &lt;s&gt; A &lt;/s&gt;&lt;/s&gt; B &lt;/s&gt;), the longer side cut first.</summary>
    int[] EncodePair(string text, string pair, int maxLength = int.MaxValue);

    /// <summary>Tokens of a pair with their special tokens, types, places and words.</summary>
    /// <param name="text">First text.</param>
    /// <param name="pair">Second text.</param>
    /// <param name="maxLength">Longest result, special tokens included.</param>
    /// <param name="truncation">Which text is cut.</param>
    /// <exception cref="BadInput">Only the second text may be cut and nothing of it would remain.</exception>
    TokenizedText EncodePair(string text, string pair, int maxLength, Truncation truncation);

    /// <summary>The token with this id as it stands in the vocabulary ("##ing", "▁the").</summary>
    string TokenOf(int id);

    /// <summary>Whether another vocabulary has the same tokens under the same ids.</summary>
    bool HasTokensOf(ITokenizer other) => VocabularySize == other.VocabularySize && Enumerable.Range(0, VocabularySize).All(id => TokenOf(id) == other.TokenOf(id));

    /// <summary>True when the token continues the word before it ("##ing"; for SentencePiece: does not start with "▁").</summary>
    bool ContinuesWord(int id);

    /// <summary>Text of ids, special tokens left out.</summary>
    string Decode(ReadOnlySpan<int> ids);

    /// <summary>Writes the files that <c>TokenizerFile.Load</c> reads back (tokenizer.json and vocab.txt) into a folder.</summary>
    void Save(string folder);
}
