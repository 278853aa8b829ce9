// One token a UTF-16 unit between [CLS] and [SEP]: lengths in tests can be read off the text.

using BgeSharp.Text;

namespace BgeSharp.Server.Tests;

internal sealed class LetterTokenizer : ITokenizer
{
    public int VocabularySize => 65536;

    public SpecialTokens Special { get; } = new(1, 2, 0, 3, 4);

    public int[] Encode(string text) => [.. text.Select(c => (int)c)];

    public int[] EncodeWithSpecial(string text, int maxLength = int.MaxValue) => [1, .. Encode(text[..Math.Min(text.Length, maxLength - 2)]), 2];

    public int[] EncodePair(string text, string pair, int maxLength = int.MaxValue) => throw new NotSupportedException();

    public TokenizedText EncodePair(string text, string pair, int maxLength, Truncation truncation) => throw new NotSupportedException();

    public string TokenOf(int id) => ((char)id).ToString();

    public bool ContinuesWord(int id) => false;

    public string Decode(ReadOnlySpan<int> ids) => throw new NotSupportedException();

    public void Save(string folder) => throw new NotSupportedException();
}
