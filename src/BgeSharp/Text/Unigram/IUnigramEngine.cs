// The two ways from text to ids that UnigramTokenizer has: SentencePiece's (from .model) and Hugging Face's (from tokenizer.json).

namespace BgeSharp.Text.Unigram;

/// <summary>Text to tokens and back, without special tokens around.</summary>
internal interface IUnigramEngine
{
    /// <summary>Ids of the vocabulary, special tokens included.</summary>
    int VocabularySize { get; }

    /// <summary>Appends the tokens of a text to <c>scratch.Tokens</c>, which the caller has reset.</summary>
    void Encode(ReadOnlySpan<char> text, Scratch scratch);

    /// <summary>True for a token that the vocabulary marks as special.</summary>
    bool IsSpecial(int id);

    /// <summary>Text of ids.</summary>
    string Decode(ReadOnlySpan<int> ids);

    /// <summary>The token as it stands in the vocabulary.</summary>
    string TokenOf(int id);

    /// <summary>Writes the files that load to the same tokenizer.</summary>
    void Save(string folder);
}
