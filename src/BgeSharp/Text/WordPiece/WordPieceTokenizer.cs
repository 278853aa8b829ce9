// WordPiece as BERT and the BGE v1 models use it, equal to the reference in every id, range and word. Special tokens are found in the raw text,
// the rest is normalised, split and spelt by WordPieceModel. Immutable: one instance serves all threads.

using System.Buffers;
using System.Text;

namespace BgeSharp.Text;

/// <summary>WordPiece tokenizer: text to ids, pairs with types, ranges and words, and back.</summary>
public sealed class WordPieceTokenizer : ITokenizer, IAppendsIds
{
    private static readonly string[] Joined = [".", "?", "!", ",", "n't", "'m", "'s", "'ve", "'re"];
    private const int SingleSpecials = 2, PairSpecials = 3;

    private readonly WordPieceVocabulary _vocabulary;
    private readonly WordPieceModel _model;
    private readonly AddedTokens _added;
    private readonly AddedTokens? _addedNormalized;
    private readonly HashSet<int> _skipped;

    internal WordPieceTokenizer(WordPieceVocabulary vocabulary)
    {
        _vocabulary = vocabulary;
        Special = vocabulary.FindSpecial();
        List<(string Piece, int Id)> pieces = [];
        for (int id = 0; id < vocabulary.Pieces.Length; id++)
        {
            if (vocabulary.Pieces[id] is { } piece)
            {
                pieces.Add((piece, id));
            }
        }
        _model = new WordPieceModel(pieces, vocabulary.Prefix, Special.Unk, vocabulary.LongestWord, vocabulary.Normalizer);
        _added = new AddedTokens(vocabulary.Added.Where(token => !token.Normalized));
        AddedToken[] normalized = [.. vocabulary.Added.Where(token => token.Normalized)
            .Select(token => token with { Content = WordPieceModel.Normalize(vocabulary.Normalizer, token.Content) })];
        _addedNormalized = normalized.Length > 0 ? new AddedTokens(normalized) : null;
        _skipped = [.. vocabulary.Added.Where(token => token.Special).Select(token => token.Id)];
    }

    /// <summary>Reads vocab.txt: one piece a line, the line number from 0 is the id.</summary>
    /// <param name="path">The file.</param>
    /// <param name="normalizer">Switches; null for BERT's uncased ones.</param>
    /// <param name="names">Names of the special tokens; null for [CLS], [SEP], [PAD], [UNK], [MASK].</param>
    /// <exception cref="BadInput">The file is missing, not UTF-8 or lacks a special token.</exception>
    public static WordPieceTokenizer FromVocabulary(string path, BertNormalizerOptions? normalizer = null, SpecialTokenNames? names = null) =>
        new(VocabularyFile.Read(path, normalizer ?? new(), names ?? new()));

    /// <summary>Reads tokenizer.json in Hugging Face's layout; a missing model.type is taken for WordPiece.</summary>
    /// <exception cref="BadInput">The file is missing, no such JSON or asks for something else than BERT's normaliser, pre-tokenizer and template.</exception>
    public static WordPieceTokenizer FromTokenizerJson(string path) => new(WordPieceJson.Read(path));

    /// <inheritdoc/>
    public int VocabularySize => _vocabulary.Pieces.Length;

    /// <inheritdoc/>
    public SpecialTokens Special { get; }

    /// <summary>Switches of the normaliser.</summary>
    public BertNormalizerOptions Normalizer => _vocabulary.Normalizer;

    /// <inheritdoc/>
    public int[] Encode(string text)
    {
        TokenBuffer tokens = Read(text, false, int.MaxValue);
        int[] ids = tokens.Ids.ToArray();
        tokens.GiveBack();
        return ids;
    }

    /// <inheritdoc/>
    public int[] EncodeWithSpecial(string text, int maxLength = int.MaxValue)
    {
        int room = RoomFor(maxLength, SingleSpecials);
        TokenBuffer tokens = Read(text, false, room);
        ReadOnlySpan<int> ids = tokens.Ids[..Math.Min(tokens.Count, room)];
        int[] result = [Special.Cls, .. ids, Special.Sep];
        tokens.GiveBack();
        return result;
    }

    /// <inheritdoc/>
    int IAppendsIds.AppendWithSpecial(string text, int maxLength, IBufferWriter<int> ids)
    {
        int room = RoomFor(maxLength, SingleSpecials);
        TokenBuffer tokens = Read(text, false, room);
        ReadOnlySpan<int> inner = tokens.Ids[..Math.Min(tokens.Count, room)];
        Span<int> result = ids.GetSpan(inner.Length + SingleSpecials);
        result[0] = Special.Cls;
        inner.CopyTo(result[1..]);
        result[inner.Length + 1] = Special.Sep;
        int count = inner.Length + SingleSpecials;
        ids.Advance(count);
        tokens.GiveBack();
        return count;
    }

    /// <inheritdoc/>
    public int[] EncodePair(string text, string pair, int maxLength = int.MaxValue) => EncodePair(text, pair, maxLength, Truncation.LongestFirst).Ids;

    /// <summary>Tokens of a text with types, ranges and words: [CLS] A [SEP].</summary>
    /// <param name="text">Any UTF-16 text.</param>
    /// <param name="maxLength">Longest result, special tokens included; at least 2.</param>
    /// <param name="addSpecial">False leaves [CLS] and [SEP] out.</param>
    public TokenizedText EncodeFull(string text, int maxLength = int.MaxValue, bool addSpecial = true)
    {
        int room = addSpecial ? RoomFor(maxLength, SingleSpecials) : maxLength;
        TokenBuffer tokens = Read(text, true, room);
        var builder = new TokenizedTextBuilder(Math.Min(tokens.Count, room) + SingleSpecials);
        builder.AddSpecial(addSpecial ? Special.Cls : null, 0);
        builder.Add(tokens, room, 0);
        builder.AddSpecial(addSpecial ? Special.Sep : null, 0);
        tokens.GiveBack();
        return builder.Build();
    }

    /// <summary>Tokens of a pair with types, ranges and words: [CLS] A [SEP] B [SEP]; B and its [SEP] have type 1.</summary>
    /// <param name="text">First text.</param>
    /// <param name="pair">Second text.</param>
    /// <param name="maxLength">Longest result, special tokens included; at least 3.</param>
    /// <param name="truncation">Which text is cut.</param>
    /// <exception cref="BadInput">Only the second text may be cut and nothing of it would remain.</exception>
    public TokenizedText EncodePair(string text, string pair, int maxLength, Truncation truncation)
    {
        int room = RoomFor(maxLength, PairSpecials);
        // Both lengths are needed in full: which side is longer decides who gets the odd token.
        TokenBuffer first = Read(text, true, int.MaxValue), second = Read(pair, true, int.MaxValue);
        (int keptFirst, int keptSecond) = PairTruncation.Lengths(first.Count, second.Count, room, truncation);
        var builder = new TokenizedTextBuilder(keptFirst + keptSecond + PairSpecials);
        builder.AddSpecial(Special.Cls, 0);
        builder.Add(first, keptFirst, 0);
        builder.AddSpecial(Special.Sep, 0);
        builder.Add(second, keptSecond, 1);
        builder.AddSpecial(Special.Sep, 1);
        second.GiveBack();
        first.GiveBack();
        return builder.Build();
    }

    /// <inheritdoc/>
    public bool IsSpecial(int id) => Special.Contains(id) || _skipped.Contains(id);

    /// <inheritdoc/>
    public string TokenOf(int id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, VocabularySize);
        return _vocabulary.Pieces[id] ?? "";
    }

    /// <inheritdoc/>
    public bool ContinuesWord(int id) => TokenOf(id) is var piece && piece.Length > _vocabulary.Prefix.Length && piece.StartsWith(_vocabulary.Prefix, StringComparison.Ordinal);

    /// <inheritdoc/>
    public string Decode(ReadOnlySpan<int> ids)
    {
        var text = new StringBuilder();
        bool first = true;
        foreach (int id in ids)
        {
            string piece = TokenOf(id);
            if (_skipped.Contains(id))
            {
                continue;
            }
            bool joined = !first && _vocabulary.Prefix.Length > 0 && piece.StartsWith(_vocabulary.Prefix, StringComparison.Ordinal);
            string part = joined ? piece[_vocabulary.Prefix.Length..] : first ? piece : " " + piece;
            text.Append(_vocabulary.CleansUp ? Clean(part) : part);
            first = false;
        }
        return text.ToString();
    }

    /// <inheritdoc/>
    public void Save(string folder) => WordPieceFolder.Save(folder, _vocabulary, Special);

    private TokenBuffer Read(string text, bool withPlaces, int limit)
    {
        ArgumentNullException.ThrowIfNull(text);
        TokenBuffer tokens = TokenBuffer.Take(withPlaces, limit);
        int taken = 0;
        while (!tokens.IsFull && _added.Next(text, taken, out FoundToken found))
        {
            Tokenize(text, taken, found.Start, tokens);
            tokens.Add(found.Id, found.Start, found.End);
            tokens.EndWord();
            taken = found.End;
        }
        if (!tokens.IsFull)
        {
            Tokenize(text, taken, text.Length, tokens);
        }
        return tokens;
    }

    private void Tokenize(string text, int from, int to, TokenBuffer tokens)
    {
        if (_addedNormalized is null)
        {
            _model.Tokenize(text, from, to, tokens);
        }
        else
        {
            _model.Tokenize(text, from, to, _addedNormalized, tokens);
        }
    }

    // The clean-up of the reference's decoder, which sees one piece with its blank at a time.
    private static string Clean(string part) => part.Length > 1 && part[0] == ' ' && Joined.Any(join => part.AsSpan(1).StartsWith(join, StringComparison.Ordinal)) ? part[1..] : part;

    private static int RoomFor(int maxLength, int specials)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, specials);
        return maxLength - specials;
    }
}
