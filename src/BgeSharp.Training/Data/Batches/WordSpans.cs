// Which tokens make up a word, for masks that hide words whole: "##" of WordPiece, "▁" of SentencePiece, and for text without spaces either every piece by itself
// or the words of a lexicon. Without the rule for such text a whole Chinese clause would be one "word" of a SentencePiece vocabulary.

using BgeSharp.Text;

namespace BgeSharp.Training.Data.Batches;

/// <summary>Finds words in token ids.</summary>
public sealed class WordSpans
{
    private enum Kind : byte
    {
        /// <summary>Belongs to no word: [CLS], [SEP], [UNK] and the like.</summary>
        Special,

        /// <summary>Begins a word.</summary>
        Begins,

        /// <summary>Continues the word before it.</summary>
        Continues,

        /// <summary>Text without spaces: a word of its own, and what follows begins another.</summary>
        Alone,

        /// <summary>Han characters only: as <see cref="Alone"/>, unless a lexicon joins them.</summary>
        Han,
    }

    private readonly Kind[] _kinds;
    private readonly ITokenizer _tokenizer;
    private readonly HanWords? _words;

    /// <param name="tokenizer">Tells special tokens and word pieces.</param>
    /// <param name="words">Joins Han pieces into words; null leaves each piece by itself.</param>
    public WordSpans(ITokenizer tokenizer, HanWords? words = null)
    {
        (_tokenizer, _words) = (tokenizer, words);
        _kinds = [.. Enumerable.Range(0, tokenizer.VocabularySize).Select(KindOf)];
    }

    /// <summary>Words as ranges of positions, ascending; special tokens belong to none.</summary>
    /// <param name="ids">A text with its special tokens.</param>
    public List<(int Start, int End)> Of(ReadOnlySpan<int> ids)
    {
        var words = new List<(int Start, int End)>(ids.Length);
        for (int i = 0; i < ids.Length; i++)
        {
            Kind kind = _kinds[ids[i]];
            if (kind == Kind.Special)
            {
                continue;
            }
            if (kind == Kind.Han && _words is not null)
            {
                i = AddHan(ids, i, words) - 1;
                continue;
            }
            bool joins = kind == Kind.Continues && words.Count > 0 && words[^1].End == i && _kinds[ids[i - 1]] is Kind.Begins or Kind.Continues;
            if (joins)
            {
                words[^1] = (words[^1].Start, i + 1);
            }
            else
            {
                words.Add((i, i + 1));
            }
        }
        return words;
    }

    // The words of the Han pieces from a position on; a piece begins a word where the lexicon has one begin at its first character.
    private int AddHan(ReadOnlySpan<int> ids, int start, List<(int Start, int End)> words)
    {
        int end = start;
        var run = new System.Text.StringBuilder();
        var places = new List<int>();
        // A space ends a run, where the vocabulary tells: WordPiece's does not.
        for (; end < ids.Length && _kinds[ids[end]] == Kind.Han && (end == start || !_tokenizer.TokenOf(ids[end]).StartsWith('▁')); end++)
        {
            places.Add(run.Length);
            run.Append(Bare(ids[end]));
        }
        Span<bool> begins = new bool[run.Length];
        _words!.Split(run.ToString(), begins);
        for (int i = start; i < end; i++)
        {
            if (i == start || begins[places[i - start]])
            {
                words.Add((i, i + 1));
            }
            else
            {
                words[^1] = (words[^1].Start, i + 1);
            }
        }
        return end;
    }

    private Kind KindOf(int id)
    {
        // The unknown token among them: to have the encoder name it would teach to answer it. Enhanced decoding rebuilds it with the rest, as the public code does.
        if (_tokenizer.IsSpecial(id))
        {
            return Kind.Special;
        }
        string bare = Bare(id);
        return HanWords.IsHan(bare) ? Kind.Han
            : bare.Length > 0 && (Script.IsUnspaced(bare[0]) || Script.IsUnspaced(bare[^1])) ? Kind.Alone
            : _tokenizer.ContinuesWord(id) ? Kind.Continues : Kind.Begins;
    }

    private string Bare(int id)
    {
        string token = _tokenizer.TokenOf(id);
        return token.StartsWith("##", StringComparison.Ordinal) && token.Length > 2 ? token[2..] : token.TrimStart('▁');
    }
}
