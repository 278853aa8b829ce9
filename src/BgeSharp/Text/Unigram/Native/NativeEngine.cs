// The tokenizer.json route, equal to Hugging Face's native library: added tokens out of the raw text, normalise, added tokens out of the
// normalised text, pre-tokenize, then each word on its own through a lattice in double precision.

using System.Runtime.InteropServices;
using System.Text;

namespace BgeSharp.Text.Unigram.Native;

/// <summary>Encoder and decoder of a Unigram tokenizer.json.</summary>
internal sealed class NativeEngine : IUnigramEngine
{
    private readonly TokenizerJson _json;
    private readonly PieceTrie _trie;
    private readonly double[] _scores;
    private readonly double _unknownScore;
    private readonly bool _floatScores;
    private readonly int[]? _bytes; // ids of the byte pieces, null when they are not the fallback
    private readonly AddedTokens _raw;
    private readonly AddedTokens _normalized;
    private readonly Dictionary<int, AddedToken> _addedById;
    private readonly Dictionary<int, string> _decoded = [];
    private readonly HashSet<int> _special;
    private readonly bool _needsAlignment;

    internal NativeEngine(TokenizerJson json)
    {
        _json = json;
        var last = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < json.Pieces.Length; id++)
        {
            if (json.Pieces[id].Length > 0)
            {
                last[json.Pieces[id]] = id; // of equal pieces the last one counts
            }
        }
        if (last.Count == 0)
        {
            throw new BadInput($"{json.File}: model.vocab has no piece that can match text.");
        }
        _scores = json.Scores;
        _floatScores = Array.TrueForAll(_scores, s => (float)s == s);
        _trie = PieceTrieBuilder.Build([.. last.Keys], [.. last.Values], [.. last.Values.Select(id => (float)_scores[id])]);
        _unknownScore = Viterbi.UnknownScore<DoubleRounding>(_scores.Min());
        if (json.ByteFallback)
        {
            int[] bytes = new int[256];
            for (int b = 0; b < 256; b++)
            {
                bytes[b] = last.GetValueOrDefault(SentencePieceModel.BytePiece(b), -1);
            }
            _bytes = bytes;
        }

        AddedToken[] raw = [.. json.Added.Where(t => !t.Normalized)];
        AddedToken[] normalized = [.. json.Added.Where(t => t.Normalized)];
        _raw = new AddedTokens(raw);
        _normalized = new AddedTokens(normalized.Select(t => t with { Content = Normalize(t.Content) }));
        _addedById = [];
        foreach (var token in json.Added)
        {
            _addedById[token.Id] = token;
            _decoded[token.Id] = token.Normalized ? Normalize(token.Content) : token.Content; // the reference decodes to what it searches for
        }
        _special = [.. json.Added.Where(t => t.Special).Select(t => t.Id)];
        _needsAlignment = json.PreTokenizers.Any(p => p is Metaspace { Scheme: PrependScheme.First });
        VocabularySize = Math.Max(json.Pieces.Length, json.Added.Count == 0 ? 0 : json.Added.Max(t => t.Id) + 1);
    }

    public int VocabularySize { get; }

    internal TokenizerJson Json => _json;

    public void Encode(ReadOnlySpan<char> text, Scratch scratch)
    {
        int word = 0;
        if (_raw.IsEmpty)
        {
            Segment(text, new Split(0, text.Length, -1, 0), scratch, ref word);
            return;
        }
        int first = scratch.Pieces.Count;
        Cut(_raw, text, scratch.Pieces);
        int last = scratch.Pieces.Count;
        for (int i = first; i < last; i++)
        {
            var piece = scratch.Pieces[i];
            if (piece.Token >= 0)
            {
                Add(scratch.Tokens, piece.Token, piece.Start, piece.End, word++);
            }
            else
            {
                Segment(text, piece, scratch, ref word);
            }
        }
        scratch.Pieces.RemoveRange(first, last - first);
    }

    // Stretches between the tokens, and the tokens.
    private static void Cut(AddedTokens tokens, ReadOnlySpan<char> text, List<Split> splits)
    {
        int taken = 0;
        while (tokens.Next(text, taken, out FoundToken found))
        {
            if (taken < found.Start)
            {
                splits.Add(new Split(taken, found.Start, -1, 0));
            }
            splits.Add(new Split(found.Start, found.End, found.Id, 0));
            taken = found.End;
        }
        if (taken < text.Length)
        {
            splits.Add(new Split(taken, text.Length, -1, 0));
        }
    }

    /// <summary>Text after the normalisers.</summary>
    internal string Normalize(string text)
    {
        var scratch = new Scratch();
        Normalize(text, new Split(0, text.Length, -1, 0), scratch, aligned: false);
        return scratch.First.Units.ToString();
    }

    private void Normalize(ReadOnlySpan<char> text, Split part, Scratch scratch, bool aligned)
    {
        scratch.First.Reset(aligned);
        scratch.First.AppendOriginal(text, part.Start, part.End);
        foreach (var normalizer in _json.Normalizers)
        {
            scratch.Second.Reset(aligned);
            normalizer.Normalize(scratch.First, scratch.Second, scratch);
            scratch.SwapTexts();
        }
    }

    /// <summary>Tokenizes a stretch of the original that holds no raw added token.</summary>
    private void Segment(ReadOnlySpan<char> text, Split part, Scratch scratch, ref int word)
    {
        bool aligned = scratch.Tokens.Detailed || _needsAlignment;
        Normalize(text, part, scratch, aligned);
        if (scratch.First.Length == 0)
        {
            return;
        }
        scratch.Splits.Clear();
        if (_normalized.IsEmpty)
        {
            scratch.Splits.Add(new Split(0, scratch.First.Length, -1, aligned ? scratch.First.Start(0) : part.Start));
        }
        else
        {
            Cut(_normalized, scratch.First.Units, scratch.Splits);
            foreach (ref var split in CollectionsMarshal.AsSpan(scratch.Splits))
            {
                split = split with { Origin = aligned ? scratch.First.Start(split.Start) : part.Start };
            }
        }
        foreach (var preTokenizer in _json.PreTokenizers)
        {
            scratch.Second.Reset(aligned);
            scratch.OtherSplits.Clear();
            foreach (var split in scratch.Splits)
            {
                if (split.Token < 0)
                {
                    preTokenizer.Cut(scratch.First, split, scratch.Second, scratch.OtherSplits);
                    continue;
                }
                int from = scratch.Second.Length;
                scratch.Second.Append(scratch.First, split.Start, split.End);
                scratch.OtherSplits.Add(split with { Start = from, End = scratch.Second.Length });
            }
            scratch.SwapTexts();
            scratch.SwapSplits();
        }
        foreach (var split in scratch.Splits)
        {
            if (split.Token >= 0)
            {
                var (from, to) = aligned ? (scratch.First.Start(split.Start), scratch.First.End(split.End - 1)) : (0, 0);
                Add(scratch.Tokens, split.Token, from, to, word++);
            }
            else
            {
                Word(scratch, split, word++);
            }
        }
    }

    /// <summary>The lattice of one word. Runs of unknown characters are one token, or bytes, unless the run happens to be a piece.</summary>
    private void Word(Scratch scratch, Split split, int word)
    {
        var text = scratch.First.Units[split.Start..split.End];
        var viterbi = scratch.Viterbi;
        if (_floatScores)
        {
            viterbi.Search<DoubleRounding, TrieScore>(text, _trie, _scores, _unknownScore);
        }
        else
        {
            viterbi.Search<DoubleRounding, TableScore>(text, _trie, _scores, _unknownScore);
        }
        var ids = viterbi.Ids;
        var ends = viterbi.Ends;
        int start = 0;
        for (int i = 0; i < ids.Length; i++)
        {
            int end = ends[i];
            int id = ids[i];
            if (IsUnknown(id))
            {
                while (i + 1 < ids.Length && IsUnknown(ids[i + 1]))
                {
                    end = ends[++i];
                }
                Unknown(scratch, text, split.Start, start, end, word);
            }
            else
            {
                Add(scratch, id, split.Start + start, split.Start + end, word);
            }
            start = end;
        }
    }

    private bool IsUnknown(int id) => id == Viterbi.Unknown || id == _json.UnkId;

    private void Unknown(Scratch scratch, ReadOnlySpan<char> text, int offset, int start, int end, int word)
    {
        var run = text[start..end];
        int id = _trie.Find(run);
        if (id < 0 && _bytes is not null)
        {
            byte[] utf8 = Encoding.UTF8.GetBytes(run.ToArray());
            if (Array.TrueForAll(utf8, b => _bytes[b] >= 0))
            {
                foreach (byte b in utf8)
                {
                    Add(scratch, _bytes[b], offset + start, offset + end, word);
                }
                return;
            }
        }
        Add(scratch, id < 0 ? _json.UnkId : id, offset + start, offset + end, word);
    }

    private static void Add(Scratch scratch, int id, int start, int end, int word)
    {
        if (scratch.Tokens.Detailed)
        {
            scratch.Tokens.Add(id, scratch.First.Start(start), scratch.First.End(end - 1), word);
        }
        else
        {
            scratch.Tokens.Add(id);
        }
    }

    private static void Add(TokenBuffer tokens, int id, int start, int end, int word)
    {
        if (tokens.Detailed)
        {
            tokens.Add(id, start, end, word);
        }
        else
        {
            tokens.Add(id);
        }
    }

    public string TokenOf(int id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, VocabularySize);
        return _addedById.TryGetValue(id, out var added) ? added.Content : id < _json.Pieces.Length ? _json.Pieces[id] : "";
    }

    public bool IsSpecial(int id) => _special.Contains(id);

    public string Decode(ReadOnlySpan<int> ids)
    {
        var tokens = new List<string>(ids.Length);
        foreach (int id in ids)
        {
            if (!_special.Contains(id))
            {
                tokens.Add(_decoded.TryGetValue(id, out string? added) ? added : TokenOf(id));
            }
        }
        return TokenDecoders.Join(_json.Decoders, tokens);
    }

    public void Save(string folder)
    {
        FileSystem.Current.CreateFolder(folder);
        FileBytes.Write(Path.Combine(folder, "tokenizer.json"), _json.OriginalFile);
    }
}
