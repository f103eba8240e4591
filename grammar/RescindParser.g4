// Grammar of the Rescind policy language.
//
// Says what is well-formed and nothing about names or types. Every choice is made by looking at
// one token, two in a few places marked so. It is a little wider than the language where that
// gives a better message (relations may be chained here, a quantifier may hold any expression):
// engine/syntax refuses those with a reason. No embedded code.
parser grammar RescindParser;

options { tokenVocab = RescindLexer; }

// A whole file. engine/syntax reads it declaration by declaration, so that one mistake stays
// where it is and memory follows the longest declaration, not the file.
file : moduleHeader? declaration* EOF ;

// Entry points: one piece and nothing behind it.
moduleEntry      : moduleHeader EOF ;
declarationEntry : declaration EOF ;
headerEntry      : blockHeader EOF ;
clauseEntry      : clause EOF ;
thenEntry        : thenHead EOF ;
actionEntry      : action EOF ;
fieldEntry       : field EOF ;
statementEntry   : statement EOF ;
expressionEntry  : expression EOF ;

moduleHeader : MODULE qualifiedName ;

declaration
  : blockDeclaration
  | paramDeclaration
  | listDeclaration
  | tableDeclaration
  | defineDeclaration
  ;

// ---- Declarations with a body of clauses, fields or statements --------------------------------

blockDeclaration
  : policyHeader  LBRACE clause* RBRACE
  | protectHeader LBRACE clause* RBRACE
  | entityHeader  LBRACE field* RBRACE
  | testHeader    LBRACE statement* RBRACE
  | fixtureHeader LBRACE statement* RBRACE
  ;

blockHeader : policyHeader | protectHeader | entityHeader | testHeader | fixtureHeader ;

policyHeader  : POLICY name TEXT ( RENAMED FROM qualifiedName )? ;
protectHeader : PROTECT name TEXT ;
entityHeader  : ENTITY name | EXTEND qualifiedName ;
testHeader    : TEST TEXT ( FOR qualifiedName ( COMMA qualifiedName )* )? ;
fixtureHeader : FIXTURE name ;

// ---- Other declarations -----------------------------------------------------------------------

paramDeclaration  : PARAM name COLON type ASSIGN expression ;
listDeclaration   : LIST name OF type ( ASSIGN setLiteral | FROM TEXT ) ;
tableDeclaration  : TABLE name parameters FROM TEXT ;
defineDeclaration : DEFINE name parameters ASSIGN expression ;

parameters : LPAREN ( parameter ( COMMA parameter )* COMMA? )? RPAREN ;
parameter  : name COLON type ;

// `tracked` or `latest` is the name of the next field when a colon follows (two tokens).
field : fieldName COLON ( MANY qualifiedName VIA fieldName | type ( TRACKED | LATEST )? ) ;

// `set` is the name of an entity unless `of` follows (two tokens).
type
  : ENUM ORDERED? LBRACE name ( COMMA name )* COMMA? RBRACE QUESTION?
  | SET OF type
  | qualifiedName QUESTION?
  ;

// ---- Clauses ----------------------------------------------------------------------------------

clause
  : FOR name IN qualifiedName                                  # forClause
  | LET name ASSIGN expression                                 # letClause
  | WHEN expression                                            # whenClause
  | UNLESS expression                                          # unlessClause
  | ( BECAUSE_TEXT | BECAUSE TEXT )                            # becauseClause
  | CONTROLS framework ( COMMA framework )*                    # controlsClause
  | SEVERITY name                                              # severityClause
  | MODE name                                                  # modeClause
  | TIMEZONE expression                                        # timezoneClause
  | thenHead LBRACE action* RBRACE                             # thenClause
  | LIMIT LEAVE amount PER coalesce                               # limitLeaveClause  // two tokens
  | LIMIT amount PERCENT? OF qualifiedName perPart*            # limitShareClause
  | NEEDS TEXT WITHIN length                                   # needsClause
  | DONE WITHIN length ELSE NOTIFY recipient                   # doneClause
  | ON FAILURE RETRY FOR length THEN outcome ( COMMA outcome )* # onFailureClause
  ;

framework : name TEXT+ ;
thenHead  : THEN ( AFTER length )? approval? ;
approval  : ONCE APPROVED BY recipient WITHIN length ELSE name ;
perPart   : PER ( HOUR | DAY | RUN | coalesce ) ;
outcome   : ROLLBACK | KEEP | NOTIFY recipient ;
recipient : coalesce ;

// A literal, or the name of a param.
length : DURATION | NUMBER civilUnit | qualifiedName ;
amount : NUMBER | qualifiedName ;

action
  : ( DISABLE | SUSPEND | END | REVOKE | DELETE | NOTIFY ) coalesce
  | RUN TEXT ON coalesce
  ;

// ---- Statements of tests and fixtures ---------------------------------------------------------

statement
  : USE qualifiedName                       # useStatement
  | GIVEN row                               # givenStatement
  | START sum                               # startStatement
  | END sum                                 # endStatement
  | AT sum change                           # atStatement
  | EXPECT NO? HELD expectTime? ( BECAUSE name )? # expectHeld
  | EXPECT NO? action expectTime?           # expectAction
  ;

row : qualifiedName ( TEXT ( AS name )? | name )
      LBRACE ( fieldValue ( COMMA fieldValue )* COMMA? )? RBRACE ;
fieldValue : fieldName COLON expression ;

change
  : SET postfix ASSIGN expression
  | REMOVE name
  | ADD row
  | STALE TEXT
  | APPROVE qualifiedName
  | REFUSE qualifiedName
  ;

expectTime : AT sum | BEFORE sum | AFTER sum | BETWEEN sum AND sum ;

// ---- Expressions, loosest first ---------------------------------------------------------------

expression  : conjunction ( OR conjunction )* ;
conjunction : negation ( AND negation )* ;
negation    : NOT negation | relation ;
relation    : coalesce relationTail* ;

relationTail
  : ( EQUAL | NOT_EQUAL | LESS | LESS_EQUAL | GREATER | GREATER_EQUAL | ASSIGN ) coalesce
  | IN coalesce
  | HAS ( PASSED | coalesce )             // `has passed` is one relation
  | ( STARTS | ENDS ) WITH coalesce
  | CONTAINS coalesce
  | MATCHES_REGEX
  | ( OLDER | NEWER ) THAN coalesce
  | WITHIN NEXT coalesce
  | IS ( KNOWN | UNKNOWN )
  ;

coalesce : sum ( QUESTION_TWO sum )* ;
sum      : product ( ( PLUS | MINUS ) product )* ;
product  : unary ( TIMES unary )* ;
unary    : MINUS unary | postfix ;
postfix  : primary ( ( DOT | QUESTION_DOT ) fieldName | arguments )* ;

arguments : LPAREN ( expression ( COMMA expression )* COMMA? )? RPAREN ;

primary
  : TEXT
  | DURATION
  | MOMENT
  | NUMBER civilUnit?
  | TRUE
  | FALSE
  | NOW
  | TODAY
  | ( ANY | ALL | NO | COUNT ) member
  | ( LATEST | EARLIEST | SUM ) LPAREN expression FOR name IN coalesce ( WHERE expression )? RPAREN
  | member                                // parentheses, or a filtered collection
  | setLiteral
  | name
  ;

// `(x in E where C)`; in a primary also any expression in parentheses.
member     : LPAREN expression ( WHERE expression )? RPAREN ;
setLiteral : LBRACE ( expression ( COMMA expression )* COMMA? )? RBRACE ;
civilUnit  : DAY | DAYS | WEEK | WEEKS | MONTH | MONTHS | YEAR | YEARS | BUSINESS ( DAY | DAYS ) ;

// ---- Names ------------------------------------------------------------------------------------

qualifiedName : name ( DOT name )* ;

// A field may have the name of any keyword but `and or not in true false`.
fieldName
  : name
  | IS | HAS | PASSED | WHERE | ANY | NO | ALL | COUNT | LATEST | EARLIEST | SUM | NOW | TODAY
  | HOUR | DAY | RUN
  ;

// A variable, parameter, list, …: neither those, nor the words listed above.
name
  : NAME
  | ADD | AFTER | APPROVE | APPROVED | AS | AT | BECAUSE | BEFORE | BETWEEN | BUSINESS | BY
  | CONTAINS | CONTROLS | DAYS | DEFINE | DELETE | DISABLE | DONE | ELSE | END | ENDS | ENTITY
  | ENUM | EXPECT | EXTEND | FAILURE | FIXTURE | FOR | FROM | GIVEN | HELD | KEEP | KNOWN
  | LEAVE | LET | LIMIT | LIST | MANY | MATCHES | MODE | MODULE | MONTH | MONTHS | NEEDS | NEWER
  | NEXT | NOTIFY | OF | OLDER | ON | ONCE | ORDERED | PARAM | PER | POLICY | PROTECT | REFUSE
  | REMOVE | RENAMED | RETRY | REVOKE | ROLLBACK | SET | SEVERITY | STALE | START | STARTS
  | SUSPEND | TABLE | TEST | THAN | THEN | TIMEZONE | TRACKED | UNKNOWN | UNLESS | USE | VIA
  | WEEK | WEEKS | WHEN | WITH | WITHIN | YEAR | YEARS
  ;
