// Words of the Rescind policy language.
//
// The lexer reads bytes, not code points: every position is a byte offset, and what lies above
// 0x7F may stand in text, comments and regular expressions only (engine/syntax checks that the
// file is UTF-8). It never fails: what is no word of the language is a token of its own kind, at
// the end of this file, and engine/syntax says what is wrong with it. No embedded code.
lexer grammar RescindLexer;

// ---- Space and comments: kept for the formatter -----------------------------------------------

SPACE         : [ \t\r\n\f]+ -> channel(HIDDEN) ;
LINE_COMMENT  : '//' ~[\r\n]* -> channel(HIDDEN) ;   // `///` too: engine/syntax looks
BLOCK_COMMENT : '/*' CommentBody '*/' -> channel(HIDDEN) ;

fragment CommentBody : ( ~'*' | '*'+ ~[*/] )* '*'* ;
fragment Gap : [ \t\r\n\f] | '//' ~[\r\n]* [\r\n] | '/*' CommentBody '*/' ;

// ---- Keywords. All but a few may be names, see the parser -------------------------------------

ADD       : 'add' ;
AFTER     : 'after' ;
ALL       : 'all' ;
AND       : 'and' ;
ANY       : 'any' ;
APPROVE   : 'approve' ;
APPROVED  : 'approved' ;
AS        : 'as' ;
AT        : 'at' ;
BECAUSE   : 'because' ;
BEFORE    : 'before' ;
BETWEEN   : 'between' ;
BUSINESS  : 'business' ;
BY        : 'by' ;
CONTAINS  : 'contains' ;
CONTROLS  : 'controls' ;
COUNT     : 'count' ;
DAY       : 'day' ;
DAYS      : 'days' ;
DEFINE    : 'define' ;
DELETE    : 'delete' ;
DISABLE   : 'disable' ;
DONE      : 'done' ;
EARLIEST  : 'earliest' ;
ELSE      : 'else' ;
END       : 'end' ;
ENDS      : 'ends' ;
ENTITY    : 'entity' ;
ENUM      : 'enum' ;
EXPECT    : 'expect' ;
EXTEND    : 'extend' ;
FAILURE   : 'failure' ;
FALSE     : 'false' ;
FIXTURE   : 'fixture' ;
FOR       : 'for' ;
FROM      : 'from' ;
GIVEN     : 'given' ;
HAS       : 'has' ;
HELD      : 'held' ;
HOUR      : 'hour' ;
IN        : 'in' ;
IS        : 'is' ;
KEEP      : 'keep' ;
KNOWN     : 'known' ;
LATEST    : 'latest' ;
LEAVE     : 'leave' ;
LET       : 'let' ;
LIMIT     : 'limit' ;
LIST      : 'list' ;
MANY      : 'many' ;
MATCHES   : 'matches' ;
MODE      : 'mode' ;
MODULE    : 'module' ;
MONTH     : 'month' ;
MONTHS    : 'months' ;
NEEDS     : 'needs' ;
NEWER     : 'newer' ;
NEXT      : 'next' ;
NO        : 'no' ;
NOT       : 'not' ;
NOTIFY    : 'notify' ;
NOW       : 'now' ;
OF        : 'of' ;
OLDER     : 'older' ;
ON        : 'on' ;
ONCE      : 'once' ;
OR        : 'or' ;
ORDERED   : 'ordered' ;
PARAM     : 'param' ;
PASSED    : 'passed' ;
PER       : 'per' ;
POLICY    : 'policy' ;
PROTECT   : 'protect' ;
REFUSE    : 'refuse' ;
REMOVE    : 'remove' ;
RENAMED   : 'renamed' ;
RETRY     : 'retry' ;
REVOKE    : 'revoke' ;
ROLLBACK  : 'rollback' ;
RUN       : 'run' ;
SET       : 'set' ;
SEVERITY  : 'severity' ;
STALE     : 'stale' ;
START     : 'start' ;
STARTS    : 'starts' ;
SUM       : 'sum' ;
SUSPEND   : 'suspend' ;
TABLE     : 'table' ;
TEST      : 'test' ;
THAN      : 'than' ;
THEN      : 'then' ;
TIMEZONE  : 'timezone' ;
TODAY     : 'today' ;
TRACKED   : 'tracked' ;
TRUE      : 'true' ;
UNKNOWN   : 'unknown' ;
UNLESS    : 'unless' ;
USE       : 'use' ;
VIA       : 'via' ;
WEEK      : 'week' ;
WEEKS     : 'weeks' ;
WHEN      : 'when' ;
WHERE     : 'where' ;
WITH      : 'with' ;
WITHIN    : 'within' ;
YEAR      : 'year' ;
YEARS     : 'years' ;

// ---- Marks ------------------------------------------------------------------------------------

LBRACE        : '{' ;
RBRACE        : '}' ;
LPAREN        : '(' ;
RPAREN        : ')' ;
COMMA         : ',' ;
COLON         : ':' ;
DOT           : '.' ;
QUESTION_DOT  : '?.' ;
QUESTION_TWO  : '??' ;
QUESTION      : '?' ;
ASSIGN        : '=' ;
EQUAL         : '==' ;
NOT_EQUAL     : '!=' ;
LESS          : '<' ;
LESS_EQUAL    : '<=' ;
GREATER       : '>' ;
GREATER_EQUAL : '>=' ;
PLUS          : '+' ;
MINUS         : '-' ;
TIMES         : '*' ;
PERCENT       : '%' ;

// ---- Literals ---------------------------------------------------------------------------------

NUMBER   : Digit+ ;
DURATION : ( Digit+ [smhdw] )+ ;
// A date, a time, or what was meant to be one: engine/syntax reads it.
MOMENT   : Digit Digit Digit Digit '-' Digit+ '-' Digit+
           ( [Tt] [0-9:.]* ( [Zz] | [+-] Digit [0-9:]* )? )? [A-Za-z0-9_]* ;
TEXT     : '"' TextItem* '"' ;

// `because "… {expr} …"` is one word, so that the texts within `{ }` do not end it. Where its
// braces do not pair, it falls apart into `because` and a TEXT, and engine/syntax says so.
BECAUSE_TEXT  : 'because' Gap* '"' ( ReasonItem | Hole )* '"' ;
// There is no division: what begins with `/` behind `matches` is a regular expression.
MATCHES_REGEX : 'matches' Gap* '/' RegexStart RegexItem* '/' ;

fragment Digit      : [0-9] ;
fragment TextItem   : ~["\\\r\n] | '\\' ~[\r\n] ;
// The braces of `\u{20AC}` hold no value.
fragment ReasonItem : ~["\\\r\n{}] | '\\u{' ~["\\{}\r\n]* '}' | '\\' ~[\r\n] ;
fragment Hole       : '{' ( ~["{}\r\n] | '"' TextItem* '"' | Hole )* '}' ;
fragment RegexStart : ~[*/\\[\r\n] | RegexEscape | RegexClass ;
fragment RegexItem  : ~[/\\[\r\n] | RegexEscape | RegexClass ;
fragment RegexEscape : '\\' ~[\r\n] ;
fragment RegexClass : '[' '^'? ']'? ( ~[\]\\\r\n] | RegexEscape )* ']' ;

NAME : [A-Za-z_] [A-Za-z0-9_]* ;

// ---- What is no word --------------------------------------------------------------------------

BAD_NUMBER       : Digit [A-Za-z0-9_]* ( '.' Digit [A-Za-z0-9_]* )? ;
OPEN_TEXT        : '"' TextItem* '\\'? ;
OPEN_REGEX       : 'matches' Gap* '/' RegexStart ( RegexItem | '[' )* '\\'? ;
OPEN_CLASS       : 'matches' Gap* '/' '[' ( ~[/\r\n] )* ;
OPEN_COMMENT     : '/*' CommentBody ;
FOREIGN_OPERATOR : '&&' | '||' | '!' | '<>' | '===' | '!==' | '&' | '|' ;
STRAY_WIDE       : [\u0080-\u00FF]+ ;
STRAY            : . ;
